package dev.edgekit.demo.ui

import android.app.Activity
import android.os.Handler
import android.os.Looper
import java.util.concurrent.Executor

/** `Context.getMainExecutor` came with Android 9; this is what it does. */
fun Activity.mainExecutorCompat(): Executor {
    val handler = Handler(Looper.getMainLooper())
    return Executor { handler.post(it) }
}

/** `Activity.getDisplay` came with Android 11; before, a window's display is the default one. */
@Suppress("DEPRECATION")
fun Activity.displayRotation(): Int = windowManager.defaultDisplay.rotation
