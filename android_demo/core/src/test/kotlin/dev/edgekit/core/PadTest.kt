package dev.edgekit.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test
import java.io.File

/** The pad on the vectors that the page and Swift meet too. */
class PadTest {
    private val file: File? = System.getProperty("edgekit.vectors")?.let { File(it, "pad.json") }
    private val vectors by lazy {
        assumeTrue("no vectors: give -Dedgekit.vectors=FOLDER", file?.exists() == true)
        JsonAt(parseJson(file!!.readText(), file.name), file.name)
    }
    private val ranges by lazy {
        vectors["controls"].list().map {
            ControlRange(it["name"].text(), it["minimum"].number(), it["maximum"].number(), it["default"].number())
        }
    }
    private val pad by lazy { Pad.of(ranges)!! }

    private fun values(case: JsonAt) = PadValues(case["color"].number(), case["tone"].number())

    private fun place(case: JsonAt) = PadPlace(case["x"].number(), case["y"].number())

    @Test
    fun aPlaceHasTheValuesOfTheVectors() {
        val places = vectors["places"].list()
        assertTrue(places.size >= 12)
        for (case in places) assertEquals(case.where, values(case), pad.values(place(case)))
    }

    @Test
    fun valuesHaveThePlaceOfTheVectors() {
        val cases = vectors["values"].list()
        assertTrue(cases.size >= 5)
        for (case in cases) assertEquals(case.where, place(case), pad.place(values(case)))
    }

    @Test
    fun keysMoveByStepsAndStopAtTheEnds() {
        assertEquals(PadValues(0.05, 0.2), pad.stepped(pad.neutral, 1, -1))
        assertEquals(PadValues(-1.0, 1.5), pad.stepped(PadValues(-0.98, 1.49), -1, 1))
    }

    @Test
    fun aBundleWithoutOneOfTheTwoHasNoPad() {
        for (range in ranges) assertNull(Pad.of(ranges - range))
    }
}
