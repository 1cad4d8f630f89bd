package dev.edgekit.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import java.io.File
import java.io.IOException

/** The choice of an accelerator on the vectors that Swift and JavaScript meet too. */
class AcceleratorChooserTest {
    private val file: File? = System.getProperty("edgekit.vectors")?.let { File(it, "accelerator_choice.json") }
    private val vectors by lazy { JsonAt(parseJson(file!!.readText(), file.name), file.name) }

    @Before
    fun theVectorsAreThere() = assumeTrue("no vectors: give -Dedgekit.vectors=FOLDER", file?.exists() == true)

    @Test
    fun everyCaseIsDecidedAsTheVectorsSay() {
        val cases = vectors["cases"].list()
        assertTrue(cases.size >= 48)
        cases.forEach(::check)
    }

    private fun check(case: JsonAt) {
        val name = case["name"].text()
        val expected = case["expected"]
        val stage = Stage(case)
        if (!expected["error"].isNull) {
            val error = assertThrows(name, IllegalStateException::class.java) { stage.choose() }
            assertEquals(name, expected["error"].text(), error.message)
            assertEquals(name, texts(expected["events"]), stage.events)
            return
        }
        val choice = stage.choose()
        assertEquals(name, expected["chosen"].text(), choice.accelerator)
        assertEquals(name, choice.accelerator, choice.network.accelerator)
        assertEquals(name, expected["remembered"].boolean(), choice.isRemembered)
        assertEquals(name, texts(expected["sentences"]), choice.sentences)
        assertEquals(name, texts(expected["events"]), stage.events)
        if (stage.isUnwritable) return
        stage.events.clear()
        val again = stage.choose()
        assertEquals(name, listOf(choice.accelerator, true), listOf(again.accelerator, again.isRemembered))
        assertEquals(name, choice.sentences, again.sentences)
        assertEquals(name, listOf("open ${choice.accelerator}"), stage.events)
    }

    private class Fake(val accelerator: String, val runs: ArrayDeque<JsonAt>, val onClose: () -> Unit) : AutoCloseable {
        override fun close() = onClose()
    }

    /** A place where fake networks run, and what happened there. */
    private inner class Stage(private val case: JsonAt) : ChoiceStore {
        val events = ArrayList<String>()
        val isUnwritable = case["unwritable"].boolean()
        private var clockMs = 0.0
        private var text = case["stored"].let { if (it.isNull) null else it.text() + " ".repeat(case["spaces"].int()) }

        fun choose(): Choice<Fake> {
            val place = vectors["place"].let { ProvingPlace(it["device"].text(), it["driver"].text(), it["runtime"].text()) }
            val chooser = AcceleratorChooser(place, vectors["bound"].number(), this, { clockMs }, ::prove)
            return chooser.choose(candidate(case["last_resort"].text()), case["others"].list().map { candidate(it.text()) })
        }

        override fun read() = text

        override fun write(text: String) {
            if (isUnwritable) throw IOException("the disk is full")
            this.text = text
            val written = JsonAt(parseJson(text, "written"), "written")
            val marked = texts(written["marked"])
            events.add(
                if (written["chosen"].isNull) (listOf("mark") + marked).joinToString(" ")
                else "chosen ${written["chosen"].text()}",
            )
        }

        private fun candidate(name: String): Candidate<Fake> {
            val network = vectors["networks"][name]
            val accelerator = network["accelerator"].text()
            return Candidate(accelerator, network["artifact_sha256"].text()) {
                events.add("open $accelerator")
                clockMs += network["opens_ms"].number()
                network["refuses"].let { if (!it.isNull) throw IllegalStateException(it.text()) }
                Fake(accelerator, ArrayDeque(network["runs"].list())) { events.add("close $accelerator") }
            }
        }

        private fun prove(network: Fake): GoldenRun {
            val run = if (network.runs.size > 1) network.runs.removeFirst() else network.runs.first()
            clockMs += run["inference_ms"].number()
            run["throws"].let { if (!it.isNull) throw IllegalStateException(it.text()) }
            val deltaE = run["delta_e00_p95"].let { if (it.isNull) Double.NaN else it.number() }
            return GoldenRun(deltaE, run["inference_ms"].number())
        }
    }

    private companion object {
        fun texts(list: JsonAt) = list.list().map { it.text() }
    }
}
