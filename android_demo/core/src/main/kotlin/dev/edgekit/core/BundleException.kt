package dev.edgekit.core

/** A bundle is incomplete, damaged, unsafe, or made for another app. [message] is the user's sentence: one line
 * without control characters, however the names in it read. */
class BundleException(message: String, cause: Throwable? = null) : Exception(printable(message), cause)

private const val MOST_SENTENCE_CHARS = 2000

/** Control characters, lone surrogates, and what changes the direction of text: a name must not steer what shows it. */
internal val STEERING = Regex(
    "[\\x{00}-\\x{1f}\\x{7f}-\\x{9f}\\x{61c}\\x{200e}\\x{200f}\\x{2028}-\\x{202e}\\x{2066}-\\x{2069}\\x{d800}-\\x{dfff}]",
)

private fun printable(text: String): String {
    val line = STEERING.replace(text.take(2 * MOST_SENTENCE_CHARS), "")
    return if (line.length <= MOST_SENTENCE_CHARS) line else STEERING.replace(line.take(MOST_SENTENCE_CHARS - 1), "") + "…"
}
