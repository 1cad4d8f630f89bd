package dev.edgekit.core

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.atan2
import kotlin.math.cbrt
import kotlin.math.cos
import kotlin.math.exp
import kotlin.math.hypot
import kotlin.math.pow
import kotlin.math.sin
import kotlin.math.sqrt

class Lab(val l: Double, val a: Double, val b: Double)

/** CIE Lab (D65) of encoded sRGB levels (IEC 61966-2-1). */
fun labOf(red: Int, green: Int, blue: Int): Lab {
    val r = linear(red)
    val g = linear(green)
    val b = linear(blue)
    val x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
    val y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b)
    val z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883)
    return Lab(116 * y - 16, 500 * (x - y), 200 * (y - z))
}

private fun linear(level: Int): Double {
    val c = level / 255.0
    return if (c <= 0.04045) c / 12.92 else ((c + 0.055) / 1.055).pow(2.4)
}

private fun f(t: Double): Double = if (t > 216.0 / 24389.0) cbrt(t) else (24389.0 / 27.0 * t + 16) / 116

/** CIEDE2000 (Sharma, Wu, Dalal 2005, equations 2 to 22). */
fun deltaE00(one: Lab, two: Lab): Double {
    val meanC = (hypot(one.a, one.b) + hypot(two.a, two.b)) / 2
    val grey = 0.5 * (1 - sqrt(meanC.pow(7) / (meanC.pow(7) + 25.0.pow(7))))
    val a1 = one.a * (1 + grey)
    val a2 = two.a * (1 + grey)
    val c1 = hypot(a1, one.b)
    val c2 = hypot(a2, two.b)
    val h1 = hue(a1, one.b)
    val h2 = hue(a2, two.b)
    val isGrey = c1 * c2 == 0.0
    var dh = if (isGrey) 0.0 else h2 - h1
    if (dh > 180) dh -= 360 else if (dh < -180) dh += 360
    val dH = 2 * sqrt(c1 * c2) * sin(radians(dh / 2))
    val l = (one.l + two.l) / 2
    val c = (c1 + c2) / 2
    var h = h1 + h2
    if (!isGrey) h = if (abs(h1 - h2) <= 180) h / 2 else if (h < 360) (h + 360) / 2 else (h - 360) / 2
    val t = 1 - 0.17 * cos(radians(h - 30)) + 0.24 * cos(radians(2 * h)) +
        0.32 * cos(radians(3 * h + 6)) - 0.20 * cos(radians(4 * h - 63))
    val sl = 1 + 0.015 * (l - 50).pow(2) / sqrt(20 + (l - 50).pow(2))
    val sc = 1 + 0.045 * c
    val sh = 1 + 0.015 * c * t
    val turn = 30 * exp(-((h - 275) / 25).pow(2))
    val rt = -2 * sqrt(c.pow(7) / (c.pow(7) + 25.0.pow(7))) * sin(radians(2 * turn))
    val dl = (two.l - one.l) / sl
    val dc = (c2 - c1) / sc
    val dhs = dH / sh
    return sqrt(dl * dl + dc * dc + dhs * dhs + rt * dc * dhs)
}

private fun hue(a: Double, b: Double): Double =
    if (a == 0.0 && b == 0.0) 0.0 else (atan2(b, a) * 180 / PI + 360) % 360

private fun radians(degrees: Double) = degrees * PI / 180

/** The 95th percentile of CIEDE2000 over the pixels of two RGBA pictures of one size. */
fun deltaE00P95(a: ByteArray, b: ByteArray): Double {
    require(a.size == b.size) { "pictures of ${a.size} and ${b.size} bytes cannot be compared" }
    fun isSame(i: Int) = a[i] == b[i] && a[i + 1] == b[i + 1] && a[i + 2] == b[i + 2] // most of a picture is
    fun lab(p: ByteArray, i: Int) = labOf(p[i].toInt() and 255, p[i + 1].toInt() and 255, p[i + 2].toInt() and 255)
    return percentile((a.indices step 4).map { if (isSame(it)) 0.0 else deltaE00(lab(a, it), lab(b, it)) }.sorted(), 0.95)
}
