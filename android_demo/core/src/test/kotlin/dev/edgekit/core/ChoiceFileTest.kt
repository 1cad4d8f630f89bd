package dev.edgekit.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test
import java.io.File
import java.io.IOException
import java.nio.file.Files

class ChoiceFileTest {
    private val folder = Files.createTempDirectory("choice").toFile()

    @Test
    fun whatWasWrittenLastIsReadWhole() {
        val file = File(folder, "choice.json")
        val store = ChoiceFile(file)
        assertNull(store.read())
        store.write("ΔE2000, first")
        store.write("second")
        assertEquals("second", ChoiceFile(file).read())
        assertEquals(listOf("choice.json"), folder.list()!!.toList())
    }

    @Test
    fun aFileThatIsNoChoiceIsNotRead() {
        val file = File(folder, "choice.json").apply { writeBytes(ByteArray((1 shl 20) + 1)) }
        assertNull(ChoiceFile(file).read())
    }

    @Test
    fun aPlaceThatCannotBeWrittenIsAnError() {
        assertThrows(IOException::class.java) { ChoiceFile(File(folder, "none/choice.json")).write("text") }
        val taken = File(folder, "taken").apply { mkdir() }
        File(taken, "inside").writeText("x")
        assertThrows(IOException::class.java) { ChoiceFile(taken).write("text") }
    }
}
