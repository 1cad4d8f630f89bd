package dev.edgekit.demo.ui

import android.app.Activity
import android.graphics.Color
import android.opengl.GLSurfaceView
import android.view.Gravity
import android.view.MotionEvent
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.FrameLayout
import android.widget.HorizontalScrollView
import android.widget.LinearLayout
import android.widget.SeekBar
import android.widget.TextView
import dev.edgekit.core.ControlRange
import dev.edgekit.core.Controls
import dev.edgekit.core.Pad
import dev.edgekit.core.PadValues
import dev.edgekit.core.StyleEntry
import dev.edgekit.demo.R
import kotlin.math.roundToInt

/** The views, and nothing else: state goes in through [show], the user's wishes come out of [Listener]. */
class DemoScreen(private val activity: Activity, private val listener: Listener) {
    interface Listener {
        fun onStyle(style: StyleEntry)

        fun onControl(name: String, value: Double)

        fun onBefore(shows: Boolean)

        fun onCamera()

        fun onFlip()

        fun onPhoto()
    }

    val surface = GLSurfaceView(activity).apply {
        setEGLContextClientVersion(3)
        preserveEGLContextOnPause = true // many drivers keep it; where one does not, the renderer starts over
    }
    private val overlay = label()
    private val accelerators = label()
    private val notice = label()
    private val styles = LinearLayout(activity)
    private val controls = LinearLayout(activity).apply { gravity = Gravity.CENTER_VERTICAL }
    private var shownStyles = emptyList<StyleEntry>()
    private var shownRanges = emptyList<ControlRange>()

    val root: View = FrameLayout(activity).apply {
        addView(surface, FrameLayout.LayoutParams(MATCH, MATCH))
        addView(measurements(), FrameLayout.LayoutParams(WRAP, WRAP, Gravity.TOP or Gravity.START))
        addView(panel(), FrameLayout.LayoutParams(MATCH, WRAP, Gravity.BOTTOM))
        fitsSystemWindows = true
    }

    fun show(state: UiState) = when (state) {
        UiState.Loading -> say(activity.getString(R.string.loading))
        is UiState.Failed -> say(state.sentence)
        is UiState.Ready -> {
            if (shownStyles != state.styles) showStyles(state.styles)
            if (shownRanges != state.ranges) showControls(state.ranges, state.controls)
            state.styles.forEachIndexed { i, style -> markStyle(styles.getChildAt(i), style == state.style) }
            accelerators.text = state.accelerators.joinToString("\n")
            say(state.notice)
        }
    }

    fun showTimings(text: String) {
        overlay.text = text
    }

    private fun markStyle(button: View, isChosen: Boolean) {
        button.isSelected = isChosen
        button.alpha = if (isChosen) 1f else 0.6f
    }

    private fun say(sentence: String?) {
        notice.text = sentence.orEmpty()
        notice.visibility = if (sentence == null) View.GONE else View.VISIBLE
    }

    private fun measurements() = LinearLayout(activity).apply {
        orientation = LinearLayout.VERTICAL
        addView(overlay)
        addView(accelerators)
    }

    private fun panel() = LinearLayout(activity).apply {
        orientation = LinearLayout.VERTICAL
        setBackgroundColor(SHADE)
        addView(notice)
        addView(controls)
        addView(HorizontalScrollView(activity).apply { addView(styles) })
        addView(buttons())
    }

    private fun buttons() = LinearLayout(activity).apply {
        addView(button(R.string.camera) { listener.onCamera() })
        addView(button(R.string.flip) { listener.onFlip() })
        addView(button(R.string.photo) { listener.onPhoto() })
        addView(beforeButton())
    }

    private fun beforeButton() = Button(activity).apply {
        setText(R.string.hold_before)
        setOnTouchListener { view, event ->
            when (event.actionMasked) {
                MotionEvent.ACTION_DOWN -> listener.onBefore(true)
                MotionEvent.ACTION_UP -> {
                    listener.onBefore(false)
                    view.performClick()
                }
                MotionEvent.ACTION_CANCEL -> listener.onBefore(false)
            }
            true
        }
    }

    private fun showStyles(entries: List<StyleEntry>) {
        shownStyles = entries
        styles.removeAllViews()
        for (entry in entries) {
            val button = Button(activity)
            button.text = entry.title
            button.setOnClickListener { listener.onStyle(entry) }
            styles.addView(button)
        }
    }

    /** A pad for tone and color where the bundle has both, beside it a slider for each of the others. */
    private fun showControls(ranges: List<ControlRange>, values: Controls) {
        shownRanges = ranges
        controls.removeAllViews()
        fun value(range: ControlRange) = values.value(range.name) ?: range.default
        val pad = Pad.of(ranges)
        if (pad != null) {
            val moved = { to: PadValues ->
                listener.onControl(pad.across.name, to.across)
                listener.onControl(pad.up.name, to.up)
            }
            controls.addView(PadView(activity, pad, PadValues(value(pad.across), value(pad.up)), moved))
        }
        val sliders = LinearLayout(activity).apply { orientation = LinearLayout.VERTICAL }
        for (range in ranges) {
            if (range == pad?.across || range == pad?.up) continue
            sliders.addView(label().apply { text = range.title })
            sliders.addView(slider(range, value(range)))
        }
        controls.addView(sliders, LinearLayout.LayoutParams(0, WRAP, 1f))
    }

    private fun slider(range: ControlRange, value: Double) = SeekBar(activity).apply {
        max = STEPS
        contentDescription = range.title
        progress = ((value - range.minimum) / (range.maximum - range.minimum) * STEPS).roundToInt()
        setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onProgressChanged(bar: SeekBar?, progress: Int, fromUser: Boolean) {
                if (!fromUser) return
                listener.onControl(range.name, range.minimum + (range.maximum - range.minimum) * progress / STEPS)
            }

            override fun onStartTrackingTouch(bar: SeekBar?) = Unit

            override fun onStopTrackingTouch(bar: SeekBar?) = Unit
        })
    }

    private fun button(text: Int, onClick: () -> Unit) = Button(activity).apply {
        setText(text)
        setOnClickListener { onClick() }
    }

    private fun label() = TextView(activity).apply {
        setTextColor(Color.WHITE)
        setBackgroundColor(SHADE)
        setPadding(PADDING, PADDING / 2, PADDING, PADDING / 2)
    }

    private companion object {
        val MATCH = ViewGroup.LayoutParams.MATCH_PARENT
        val WRAP = ViewGroup.LayoutParams.WRAP_CONTENT
        const val STEPS = 200 // a hundredth of the widest range, which is 2
        const val PADDING = 24
        const val SHADE = 0x80000000.toInt() // readable over any picture
    }
}
