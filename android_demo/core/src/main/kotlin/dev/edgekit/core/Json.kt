package dev.edgekit.core

/** A JSON value (RFC 8259). */
sealed interface JsonValue

data class JsonObject(val members: Map<String, JsonValue>) : JsonValue

data class JsonArray(val items: List<JsonValue>) : JsonValue

data class JsonString(val text: String) : JsonValue

/** [isWhole]: written without a fraction and an exponent; 12.0 is no count. */
data class JsonNumber(val value: Double, val isWhole: Boolean) : JsonValue

data class JsonBoolean(val value: Boolean) : JsonValue

data object JsonNull : JsonValue

/** The value of [text]; [where] names the text in the sentence of the BundleException. Strict: no
 * comments, no trailing commas, no duplicate keys, nothing after the value. */
fun parseJson(text: String, where: String): JsonValue = JsonParser(text, where).parse()

// bundle.json nests 5 deep, shader.json 6; more is an attack on the stack.
private const val DEEPEST = 32

private class JsonParser(private val text: String, private val where: String) {
    private var at = 0

    fun parse(): JsonValue {
        val value = value(0)
        skipSpace()
        if (at != text.length) refuse("something follows the JSON value")
        return value
    }

    private fun value(depth: Int): JsonValue {
        if (depth > DEEPEST) refuse("it nests deeper than $DEEPEST")
        skipSpace()
        return when (val c = peek()) {
            '{' -> objectAt(depth)
            '[' -> arrayAt(depth)
            '"' -> JsonString(string())
            't' -> word("true", JsonBoolean(true))
            'f' -> word("false", JsonBoolean(false))
            'n' -> word("null", JsonNull)
            else -> if (c == '-' || c in '0'..'9') number() else refuse("a value is missing")
        }
    }

    private fun objectAt(depth: Int): JsonObject {
        val members = LinkedHashMap<String, JsonValue>()
        at++
        skipSpace()
        if (peek() == '}') return JsonObject(members).also { at++ }
        while (true) {
            skipSpace()
            if (peek() != '"') refuse("a key is missing")
            val key = string()
            skipSpace()
            expect(':')
            if (members.put(key, value(depth + 1)) != null) refuse("the key \"$key\" is there twice")
            if (!anotherBefore('}')) return JsonObject(members)
        }
    }

    private fun arrayAt(depth: Int): JsonArray {
        val items = ArrayList<JsonValue>()
        at++
        skipSpace()
        if (peek() == ']') return JsonArray(items).also { at++ }
        while (true) {
            items.add(value(depth + 1))
            if (!anotherBefore(']')) return JsonArray(items)
        }
    }

    private fun anotherBefore(end: Char): Boolean {
        skipSpace()
        if (peek() == end) {
            at++
            return false
        }
        expect(',')
        return true
    }

    private fun string(): String {
        val out = StringBuilder()
        at++
        while (true) {
            val c = peek()
            at++
            when {
                c == '"' -> return out.toString()
                c == '\\' -> out.append(escaped())
                c < ' ' -> refuse("a text is not closed, or holds a control character")
                else -> out.append(c)
            }
        }
    }

    private fun escaped(): Char {
        val c = peek()
        at++
        return when (c) {
            '"', '\\', '/' -> c
            'b' -> '\b'
            'f' -> '\u000C'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> unicode()
            else -> refuse("\\$c is not an escape")
        }
    }

    private fun unicode(): Char {
        if (at + 4 > text.length) refuse("an escape is cut off")
        val digits = text.substring(at, at + 4)
        if (!HEX4.matches(digits)) refuse("\\u$digits is not an escape")
        at += 4
        return digits.toInt(16).toChar()
    }

    private fun number(): JsonNumber {
        val match = NUMBER.find(text, at)
        if (match == null || match.range.first != at) refuse("a number is malformed")
        at = match.range.last + 1
        val value = match.value.toDouble()
        if (value.isInfinite()) refuse("${match.value} is too large")
        return JsonNumber(value, match.value.none { it in ".eE" })
    }

    private fun word(word: String, value: JsonValue): JsonValue {
        if (!text.startsWith(word, at)) refuse("a value is misspelt")
        at += word.length
        return value
    }

    private fun skipSpace() {
        while (at < text.length && text[at] in " \t\n\r") at++
    }

    /** The next character; NUL, which no rule accepts, at the end of the text. */
    private fun peek(): Char = if (at < text.length) text[at] else '\u0000'

    private fun expect(c: Char) {
        if (peek() != c) refuse("'$c' is missing")
        at++
    }

    private fun refuse(reason: String): Nothing =
        throw BundleException("$where is not JSON: $reason at character $at; make the bundle again.")

    private companion object {
        val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")
        val HEX4 = Regex("[0-9a-fA-F]{4}")
    }
}

/** A value and where it stands, so that a wrong type can be said in one sentence. */
class JsonAt(private val value: JsonValue, val where: String) {
    operator fun get(key: String): JsonAt {
        val members = (value as? JsonObject ?: wrong("an object")).members
        val member = members[key] ?: throw BundleException("$where has no \"$key\"; make the bundle again.")
        return JsonAt(member, "$where/$key")
    }

    val keys: Set<String> get() = (value as? JsonObject ?: wrong("an object")).members.keys

    val isNull: Boolean get() = value == JsonNull

    val isText: Boolean get() = value is JsonString

    fun list(): List<JsonAt> =
        (value as? JsonArray ?: wrong("a list")).items.mapIndexed { i, item -> JsonAt(item, "$where/$i") }

    /** A list of at least one item. */
    fun listOfSome(): List<JsonAt> = list().ifEmpty { wrong("a list of at least one") }

    fun text(): String = (value as? JsonString ?: wrong("a text")).text

    /** A text that may be shown: of 1 to 1000 characters, none of which steers what shows it. */
    fun name(): String = plain(text())

    /** The members' names, likewise. */
    fun names(): Set<String> = keys.onEach(::plain)

    fun sha256(): String = text().also { if (!SHA256.matches(it)) wrong("a sha256") }

    fun number(): Double = (value as? JsonNumber ?: wrong("a number")).value

    fun number(range: ClosedFloatingPointRange<Double>): Double =
        number().also { if (it !in range) wrong("between ${range.start} and ${range.endInclusive}") }

    fun whole(): Long {
        val number = value as? JsonNumber ?: wrong("a number")
        if (!number.isWhole || Math.abs(number.value) > LARGEST_EXACT) wrong("a whole number")
        return number.value.toLong()
    }

    fun int(): Int = int(Int.MIN_VALUE..Int.MAX_VALUE)

    fun int(range: IntRange): Int {
        val whole = whole()
        if (whole !in range.first.toLong()..range.last.toLong()) wrong("between ${range.first} and ${range.last}")
        return whole.toInt()
    }

    fun boolean(): Boolean = (value as? JsonBoolean ?: wrong("true or false")).value

    private fun plain(text: String): String {
        if (text.codePointCount(0, text.length) !in 1..MOST_NAME_CHARS) wrong("a text of 1 to $MOST_NAME_CHARS characters")
        if (STEERING.containsMatchIn(text)) wrong("a text without control characters")
        return text
    }

    private fun wrong(wanted: String): Nothing =
        throw BundleException("$where is not $wanted; make the bundle again.")

    private companion object {
        const val MOST_NAME_CHARS = 1000
        val SHA256 = Regex("[0-9a-f]{64}")
        const val LARGEST_EXACT = 9007199254740992.0 // 2^53: a double holds every whole number up to here
    }
}
