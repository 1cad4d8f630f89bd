package dev.edgekit.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class TransformsTest {
    private fun assertMoves(matrix: Matrix3, from: Pair<Double, Double>, to: Pair<Double, Double>) {
        val (x, y) = matrix.apply(from.first, from.second)
        assertEquals(to.first, x, 1e-12)
        assertEquals(to.second, y, 1e-12)
    }

    @Test
    fun aQuarterTurnClockwiseBringsTheBottomLeftToTheTopLeft() {
        assertMoves(rotation(1), 0.0 to 0.0, 0.0 to 1.0)
        assertMoves(rotation(1), 1.0 to 0.0, 0.0 to 0.0)
        assertMoves(rotation(-1), 0.0 to 0.0, 1.0 to 0.0)
        assertArrayEquals(Matrix3.IDENTITY.rowMajor(), rotation(4).rowMajor(), 0.0)
    }

    @Test
    fun aWideSensorInATallViewIsCutLeftAndRight() {
        // 1280×720 turned upright is 720×1280; a 600×600 view shows its middle 720×720.
        val passed = aspectFill(ViewGeometry(1280, 720, 1, false, 600, 600))
        val (x, y) = passed.imageFromOutput.apply(0.0, 0.0)
        assertEquals(280.0 / 1280, x, 1e-12) // the sensor's columns run down the upright picture
        assertEquals(1.0, y, 1e-12)
        assertMoves(passed.maskFromImage, 0.0 to 1.0, 0.0 to 0.0)
    }

    @Test
    fun aMirrorMovesTheViewAndNotTheMask() {
        val plain = aspectFill(ViewGeometry(640, 480, 0, false, 500, 300))
        val mirrored = aspectFill(ViewGeometry(640, 480, 0, true, 500, 300))
        val (x, y) = plain.imageFromOutput.apply(0.1, 0.7)
        assertMoves(mirrored.imageFromOutput, 0.9 to 0.7, x to y)
        assertArrayEquals(plain.maskFromImage.rowMajor(), mirrored.maskFromImage.rowMajor(), 0.0)
    }

    @Test
    fun anInverseUndoes() {
        val matrix = rotation(1) * crop(0.1, 0.2, 0.7, 0.5) * mirror()
        assertArrayEquals(Matrix3.IDENTITY.rowMajor(), (matrix * matrix.inverse()).rowMajor(), 1e-12)
        assertArrayEquals(floatArrayOf(1f, 4f, 7f, 2f, 5f, 8f, 3f, 6f, 9f), Matrix3(DoubleArray(9) { it + 1.0 }).columnMajor(), 0f)
    }

    @Test
    fun aSurfaceTextureThatFlipsIsReadFromItsTop() {
        // What SurfaceTexture gives for a buffer whose first row is the top: t' = 1 - t.
        val flip = floatArrayOf(1f, 0f, 0f, 0f, 0f, -1f, 0f, 0f, 0f, 0f, 1f, 0f, 0f, 1f, 0f, 1f)
        assertMoves(textureFromSensor(flip), 0.3 to 0.2, 0.3 to 0.2)
        // The same with a crop of the buffer's right quarter and a quarter turn, as a sideways sensor has.
        val turned = floatArrayOf(0f, -1f, 0f, 0f, -0.75f, 0f, 0f, 0f, 0f, 0f, 1f, 0f, 0.75f, 1f, 0f, 1f)
        assertMoves(textureFromSensor(turned), 0.0 to 0.0, 0.0 to 1.0)
        assertMoves(textureFromSensor(turned), 1.0 to 1.0, 0.75 to 0.0)
    }

    @Test
    fun aTextureBetweenMovesNoPixelOfTheMask() {
        val passed = aspectFill(ViewGeometry(1280, 720, 3, true, 300, 700))
        val matrix = floatArrayOf(0f, -1f, 0f, 0f, -0.75f, 0f, 0f, 0f, 0f, 0f, 1f, 0f, 0.75f, 1f, 0f, 1f)
        val through = passed.through(textureFromSensor(matrix))
        val direct = (passed.maskFromImage * passed.imageFromOutput).rowMajor()
        assertArrayEquals(direct, (through.maskFromImage * through.imageFromOutput).rowMajor(), 1e-7)
    }

    @Test
    fun aCameraStreamInPortraitAndLandscape() {
        // A phone's back camera: mounted at 90 degrees, matrix included.
        val portrait = CameraStream(1280, 720, 90, 0, true, false)
        assertEquals(ViewGeometry(720, 1280, 0, false, 400, 800), viewGeometry(portrait, false, 400, 800))
        val landscape = CameraStream(1280, 720, 0, 90, true, false)
        assertEquals(ViewGeometry(720, 1280, 3, false, 800, 400), viewGeometry(landscape, false, 800, 400))
        val raw = CameraStream(1280, 720, 90, 0, false, false)
        assertEquals(ViewGeometry(1280, 720, 1, true, 400, 800), viewGeometry(raw, true, 400, 800))
        val front = CameraStream(1280, 720, 270, 0, true, true)
        assertEquals(ViewGeometry(720, 1280, 0, false, 400, 800), viewGeometry(front, true, 400, 800))
    }

    @Test
    fun everyExifOrientationStandsUpright() {
        // Where the upright picture's top left and top right lie in the file (EXIF 2.32, figure of tag 0x0112).
        val corners = mapOf(
            1 to ((0.0 to 0.0) to (1.0 to 0.0)), 2 to ((1.0 to 0.0) to (0.0 to 0.0)),
            3 to ((1.0 to 1.0) to (0.0 to 1.0)), 4 to ((0.0 to 1.0) to (1.0 to 1.0)),
            5 to ((0.0 to 0.0) to (0.0 to 1.0)), 6 to ((0.0 to 1.0) to (0.0 to 0.0)),
            7 to ((1.0 to 1.0) to (1.0 to 0.0)), 8 to ((1.0 to 0.0) to (1.0 to 1.0)),
        )
        for ((exif, expected) in corners) {
            assertMoves(photoOrientation(exif).imageFromUpright(), 0.0 to 0.0, expected.first)
            assertMoves(photoOrientation(exif).imageFromUpright(), 1.0 to 0.0, expected.second)
        }
        assertEquals(PhotoOrientation(0, false), photoOrientation(99))
    }

    @Test
    fun aPhotoFitsIntoTheViewWhole() {
        assertEquals(Viewport(0, 175, 400, 450), aspectFit(800, 900, 400, 800))
        assertEquals(Viewport(150, 0, 500, 250), aspectFit(2000, 1000, 800, 250))
    }

    @Test
    fun onlyReductionsAreAveraged() {
        assertEquals(0f, tapOffset(512, 512), 0f)
        assertEquals(0.25f / 256, tapOffset(1920, 256), 0f)
    }
}
