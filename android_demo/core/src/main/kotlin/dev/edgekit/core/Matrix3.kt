package dev.edgekit.core

/** A 3×3 matrix for column vectors (x, y, 1), [rows] row after row. Named `b_from_a`, `times` chains
 * right to left: `cFromB * bFromA` is `cFromA`. */
class Matrix3(private val rows: DoubleArray) {
    init {
        require(rows.size == 9) { "a 3×3 matrix has 9 numbers, not ${rows.size}" }
    }

    operator fun get(row: Int, column: Int): Double = rows[3 * row + column]

    operator fun times(other: Matrix3) = Matrix3(
        DoubleArray(9) { i -> (0..2).sumOf { k -> this[i / 3, k] * other[k, i % 3] } },
    )

    fun inverse(): Matrix3 {
        val (a, b, c, d, e) = rows
        val f = rows[5]; val g = rows[6]; val h = rows[7]; val i = rows[8]
        val determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        require(determinant != 0.0) { "the matrix has no inverse" }
        val adjugate = doubleArrayOf(
            e * i - f * h, c * h - b * i, b * f - c * e,
            f * g - d * i, a * i - c * g, c * d - a * f,
            d * h - e * g, b * g - a * h, a * e - b * d,
        )
        return Matrix3(DoubleArray(9) { adjugate[it] / determinant })
    }

    /** (x, y) moved; the third row of a transform is (0, 0, 1). */
    fun apply(x: Double, y: Double): Pair<Double, Double> =
        Pair(this[0, 0] * x + this[0, 1] * y + this[0, 2], this[1, 0] * x + this[1, 1] * y + this[1, 2])

    fun rowMajor(): DoubleArray = rows.copyOf()

    /** Column after column, as `glUniformMatrix3fv` takes it. */
    fun columnMajor() = FloatArray(9) { this[it % 3, it / 3].toFloat() }

    companion object {
        val IDENTITY = Matrix3(doubleArrayOf(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    }
}
