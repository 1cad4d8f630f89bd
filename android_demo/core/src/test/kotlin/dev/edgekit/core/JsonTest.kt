package dev.edgekit.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class JsonTest {
    @Test
    fun everyKindOfValueIsRead() {
        val root = JsonAt(parseJson(""" {"a": [1, -2.5e2, true, null], "b": {"\u00e9\n\"": "x\\\/"}} """, "t"), "t")
        assertEquals(-250.0, root["a"].list()[1].number(), 0.0)
        assertTrue(root["a"].list()[2].boolean())
        assertTrue(root["a"].list()[3].isNull)
        assertEquals("x\\/", root["b"]["é\n\""].text())
        assertEquals("t/a/1 is not a whole number; make the bundle again.", wholeRefusal())
    }

    private fun wholeRefusal(): String = assertThrows(BundleException::class.java) {
        JsonAt(parseJson("""{"a": [1, 2.5]}""", "t"), "t")["a"].list()[1].whole()
    }.message!!

    @Test
    fun whatIsNotJsonIsRefused() {
        val bad = listOf(
            "", "{", "[1,]", "{\"a\": 1,}", "{a: 1}", "01", "1.", ".5", "+1", "1e999", "NaN", "tru", "\"a", "\"\\x\"",
            "\"\\u12\"", "\"\\u+123\"", "\"\n\"", "[1] 2", "{\"a\": 1, \"a\": 2}", "[".repeat(40) + "]".repeat(40), "'a'", "[1 2]",
        )
        for (text in bad) {
            val message = assertThrows(text, BundleException::class.java) { parseJson(text, "it") }.message!!
            assertTrue(message, message.startsWith("it is not JSON"))
        }
    }

    @Test
    fun writtenJsonReadsBack() {
        val value = mapOf("t" to "a\"\\\u0001é", "n" to listOf(1, 2L, 0.001, 1e20), "z" to null, "b" to false)
        val root = JsonAt(parseJson(writeJson(value), "w"), "w")
        assertEquals("a\"\\\u0001é", root["t"].text())
        assertEquals(listOf(1.0, 2.0, 0.001, 1e20), root["n"].list().map { it.number() })
        assertTrue(root["z"].isNull)
        assertThrows(IllegalArgumentException::class.java) { writeJson(Double.NaN) }
    }
}
