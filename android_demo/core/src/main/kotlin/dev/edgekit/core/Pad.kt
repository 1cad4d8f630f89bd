package dev.edgekit.core

import kotlin.math.abs

/** A place on the pad: shares of its width and height from its top left corner. */
data class PadPlace(val x: Double, val y: Double)

/** What the pad's two controls are. */
data class PadValues(val across: Double, val up: Double)

/** A square that moves two controls at once: one across, one upwards. The page and Swift compute the same;
 * tests/shared/pad.json holds all three to it. */
class Pad(val across: ControlRange, val up: ControlRange) {
    val neutral = PadValues(across.default, up.default)

    /** Beyond the pad's edge the controls are at their ends, and close to their defaults at these. */
    fun values(place: PadPlace) = PadValues(value(place.x, across), value(1.0 - place.y, up))

    fun place(values: PadValues) = PadPlace(share(values.across, across), 1.0 - share(values.up, up))

    /** [right], [higher]: steps of a key, a fortieth of the range each. */
    fun stepped(values: PadValues, right: Int, higher: Int) =
        PadValues(stepped(values.across, right, across), stepped(values.up, higher, up))

    private fun value(share: Double, range: ControlRange): Double {
        val value = range.minimum + share.coerceIn(0.0, 1.0) * (range.maximum - range.minimum)
        return if (abs(value - range.default) <= SNAP * (range.maximum - range.minimum)) range.default else value
    }

    private fun share(value: Double, range: ControlRange) =
        (range.clamp(value) - range.minimum) / (range.maximum - range.minimum)

    private fun stepped(value: Double, steps: Int, range: ControlRange) =
        range.clamp(value + steps * (range.maximum - range.minimum) / STEPS)

    companion object {
        private const val SNAP = 0.03 // of a control's range: less than a finger's trembling
        private const val STEPS = 40

        /** The pad of a bundle's controls, color across and tone upwards; null unless there are both. */
        fun of(ranges: List<ControlRange>): Pad? {
            fun named(name: String) = ranges.firstOrNull { it.name == name }
            return Pad(named("color") ?: return null, named("tone") ?: return null)
        }
    }
}
