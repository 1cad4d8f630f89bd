package dev.edgekit.demo.ui

import android.content.Context
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.os.Bundle
import android.view.KeyEvent
import android.view.MotionEvent
import android.view.View
import android.view.ViewConfiguration
import android.view.accessibility.AccessibilityNodeInfo
import android.view.accessibility.AccessibilityNodeInfo.AccessibilityAction
import dev.edgekit.core.Pad
import dev.edgekit.core.PadPlace
import dev.edgekit.core.PadValues
import dev.edgekit.demo.R
import kotlin.math.roundToInt

/** The pad of two controls: a finger, the arrow keys, or a screen reader's actions move it, and a double tap returns it
 * to neutral. [onMove] takes the new values. */
class PadView(context: Context, private val pad: Pad, values: PadValues, private val onMove: (PadValues) -> Unit) :
    View(context) {
    private var values = values
        set(value) {
            field = value
            describe()
            invalidate()
        }
    private val density = resources.displayMetrics.density
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG)
    private var lastUpMs = 0L
    private var isSecond = false // the touch follows another at once

    init {
        isFocusable = true
        describe()
    }

    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        val side = (SIDE_DP * density).roundToInt()
        setMeasuredDimension(side, side)
    }

    override fun onDraw(canvas: Canvas) {
        val (width, height) = Pair(width.toFloat(), height.toFloat())
        val place = pad.place(values)
        paint.color = FIELD
        canvas.drawRect(0f, 0f, width, height, paint)
        paint.color = if (isFocused) Color.WHITE else LINE
        paint.strokeWidth = density
        canvas.drawLine(width / 2, 0f, width / 2, height, paint)
        canvas.drawLine(0f, height / 2, width, height / 2, paint)
        paint.color = Color.WHITE
        canvas.drawCircle((place.x * width).toFloat(), (place.y * height).toFloat(), KNOB_DP * density, paint)
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        val tapMs = ViewConfiguration.getDoubleTapTimeout()
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                parent.requestDisallowInterceptTouchEvent(true)
                isSecond = event.eventTime - lastUpMs < tapMs
                follow(event)
            }
            MotionEvent.ACTION_MOVE -> follow(event)
            MotionEvent.ACTION_UP -> {
                if (isSecond && event.eventTime - event.downTime < tapMs) moveTo(pad.neutral)
                lastUpMs = event.eventTime
                performClick()
            }
        }
        return true
    }

    private fun follow(event: MotionEvent) =
        moveTo(pad.values(PadPlace(event.x.toDouble() / width, event.y.toDouble() / height)))

    override fun performClick(): Boolean {
        super.performClick()
        return true
    }

    override fun onKeyDown(keyCode: Int, event: KeyEvent): Boolean = when (keyCode) {
        KeyEvent.KEYCODE_DPAD_LEFT -> step(-1, 0)
        KeyEvent.KEYCODE_DPAD_RIGHT -> step(1, 0)
        KeyEvent.KEYCODE_DPAD_UP -> step(0, 1)
        KeyEvent.KEYCODE_DPAD_DOWN -> step(0, -1)
        else -> super.onKeyDown(keyCode, event)
    }

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        for (action in ACTIONS) {
            info.addAction(AccessibilityAction(action.id, context.getString(action.label)))
        }
    }

    override fun performAccessibilityAction(action: Int, arguments: Bundle?): Boolean {
        val asked = ACTIONS.firstOrNull { it.id == action } ?: return super.performAccessibilityAction(action, arguments)
        return step(asked.right, asked.higher)
    }

    private fun step(right: Int, higher: Int): Boolean {
        moveTo(pad.stepped(values, right, higher))
        return true
    }

    private fun moveTo(moved: PadValues) {
        values = moved
        onMove(moved)
    }

    private fun describe() {
        contentDescription = context.getString(R.string.pad, percent(values.up), percent(values.across))
    }

    private fun percent(value: Double) = (100 * value).roundToInt()

    private class Action(val id: Int, val label: Int, val right: Int, val higher: Int)

    private companion object {
        const val SIDE_DP = 132
        const val KNOB_DP = 11
        const val FIELD = 0x60FFFFFF
        const val LINE = 0x80FFFFFF.toInt()
        val ACTIONS = listOf(
            Action(R.id.brighter, R.string.brighter, 0, 2), Action(R.id.darker, R.string.darker, 0, -2),
            Action(R.id.more_vivid, R.string.more_vivid, 2, 0), Action(R.id.more_muted, R.string.more_muted, -2, 0),
        )
    }
}
