package dev.edgekit.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Test
import java.nio.ByteBuffer

class FitTest {
    private val tall = PixelSize(width = 384, height = 512)

    @Test
    fun aSquareAndANearShapeAreStretched() {
        assertEquals(PixelSize(512, 512), shownPart(PixelSize(4000, 30), PixelSize(512, 512)))
        assertEquals(tall, shownPart(PixelSize(3000, 4000), tall))
    }

    @Test
    fun anotherShapeKeepsItsAspectRatioUpToAMultiple() {
        assertEquals(PixelSize(384, 128), shownPart(PixelSize(3000, 1000), tall))
        assertEquals(PixelSize(32, 512), shownPart(PixelSize(1, 5000), tall))
    }

    @Test
    fun aMaskIsCutToItsFirstRowsAndColumns() {
        val mask = PixelSize(width = 3, height = 2)
        val rgba = ByteBuffer.allocateDirect(24).apply { repeat(24) { put(it.toByte()) } }.at(0)
        assertSame(rgba, firstPart(rgba, mask, mask))
        val cut = ByteArray(16).also { firstPart(rgba, mask, PixelSize(2, 2)).get(it) }
        assertArrayEquals(byteArrayOf(0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19), cut)
        assertEquals(PixelSize(96, 56), shownMask(PixelSize(96, 128), PixelSize(384, 224), tall))
    }
}
