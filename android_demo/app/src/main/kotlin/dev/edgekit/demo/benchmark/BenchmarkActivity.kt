package dev.edgekit.demo.benchmark

import android.app.Activity
import android.os.Bundle
import android.util.Log
import android.view.WindowManager
import android.widget.TextView
import dev.edgekit.core.BenchReport
import dev.edgekit.core.benchRequest
import dev.edgekit.core.usableRunId
import dev.edgekit.core.writeWhole
import dev.edgekit.demo.bundle.openAssetBundle
import java.io.File
import kotlin.concurrent.thread

/** Started by `edgekit bench app` through adb. Works on a thread of its own, leaves a report or an error
 * under the run's id in the app's external files, and goes. */
class BenchmarkActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        setContentView(TextView(this).apply { text = "edgekit benchmark" })
        // Started again by a rotation or from the recent apps, it would write a second report.
        if (savedInstanceState != null) return finish()
        val extras = intent.extras
        // No typed getter tells a missing extra from a wrong one.
        @Suppress("DEPRECATION")
        val values = extras?.keySet().orEmpty().associateWith { extras?.get(it) }
        thread(name = "benchmark") {
            benchmark(values)
            runOnUiThread { finish() }
        }
    }

    private fun benchmark(extras: Map<String, Any?>) {
        try {
            val request = benchRequest(extras)
            val result = Benchmark(this, openAssetBundle(assets), request).run()
            write("${stem(request.runId)}.json", result.report.json())
        } catch (error: Exception) { // whatever went wrong has to reach the one who waits for the file
            Log.e(TAG, "benchmark failed", error)
            val sentence = error.message ?: error.javaClass.name
            usableRunId(extras["run_id"])?.let { write("${stem(it)}.error.txt", sentence) }
        }
    }

    private fun stem(runId: String) = BenchReport.FILE_NAME.removeSuffix(".json") + "-" + runId

    private fun write(name: String, text: String) = writeWhole(File(getExternalFilesDir(null), name), text.toByteArray())

    private companion object {
        const val TAG = "edgekit-bench"
    }
}
