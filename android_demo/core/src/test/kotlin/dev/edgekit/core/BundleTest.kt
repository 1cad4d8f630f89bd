package dev.edgekit.core

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File
import java.nio.file.Files

class BundleTest {
    private fun refusal(files: BundleFiles): String =
        assertThrows(BundleException::class.java) { openBundle(files) }.message!!

    private fun refusal(change: TinyBundle.() -> Unit): String =
        refusal(FolderFiles(TinyBundle().apply(change).folder()))

    @Test
    fun aGoodBundleIsReadFromAFolderAndAZip() {
        val tiny = TinyBundle()
        val zip = ZipFiles(tiny.zip())
        for (bundle in listOf(openBundle(FolderFiles(tiny.folder())), openBundle(zip))) {
            assertEquals("tiny", bundle.name)
            assertEquals(0.25, bundle.controls[2].default, 0.0)
            assertEquals(Controls(0.8, 0.1, -0.2, 0.3), bundle.golden.controls)
            assertEquals(listOf(1), bundle.groups["skin"])
            val segmenter = bundle.segmenter("tflite").also(bundle::requireUsable)
            assertEquals(PixelSize(16, 16), segmenter.maskSize)
            assertEquals(segmenter, bundle.segmenterWithSha256(sha256(tiny.files["segmenter/net.tflite"]!!)))
            assertArrayEquals(tiny.files["segmenter/net.tflite"], bundle.bytes("segmenter/net.tflite"))
            val shader = bundle.shader(bundle.style("warm"))
            assertEquals(listOf(2, 3, 2), shader.textures[1].size)
            assertEquals("void main() {}", shader.dialect("essl300").fused.fragment)
            assertEquals(0.4, shader.strengths[1], 0.0)
        }
        zip.close()
    }

    @Test
    fun theArtifactForAnotherProcessorIsTheSameNetworkWithOtherBytes() {
        val tiny = TinyBundle()
        val bundle = openBundle(FolderFiles(tiny.folder()))
        val segmenter = bundle.segmenter("tflite")
        val (gpu) = segmenter.accelerated
        val entry = segmenter.by(gpu).also(bundle::requireUsable)
        assertEquals(listOf("gpu", "segmenter/half.tflite", "fp16"), listOf(gpu.accelerator, entry.path, entry.recipe))
        assertEquals(segmenter.maskSize, entry.maskSize)
        assertEquals(entry, bundle.segmenterWithSha256(sha256(tiny.files["segmenter/half.tflite"]!!)))
    }

    @Test
    fun anUnknownNameIsASentenceWithTheKnownOnes() {
        val bundle = openBundle(FolderFiles(TinyBundle().folder()))
        assertEquals("There is no style \"cool\"; known: warm.", assertThrows(BundleException::class.java) { bundle.style("cool") }.message)
        assertThrows(BundleException::class.java) { bundle.segmenter("coreml") }
        assertThrows(BundleException::class.java) { bundle.segmenterWithSha256("0".repeat(64)) }
        assertThrows(BundleException::class.java) { bundle.bytes("golden/none.png") }
        assertThrows(BundleException::class.java) { bundle.shader(bundle.style("warm")).dialect("essl300-external") }
    }

    @Test
    fun pathsThatLeaveTheBundleAreRefused() {
        val bad = listOf("/etc/x", "a\\b", "C:x", "a/b:c", "a\u0000b", "a//b", "./a", "a/../b", "..", "", "a/", BUNDLE_FILE)
        for (path in bad) {
            val message = refusal { extraListings = listOf(TinyBundle.listing(path, 1, "0".repeat(64))) }
            assertTrue("$path: $message", message.startsWith("The path \"${path.replace("\u0000", "")}\""))
        }
        assertEquals("a/..b/c...d", safePath("a/..b/c...d"))
    }

    @Test
    fun anotherSchemaOrVersionIsRefused() {
        assertTrue(refusal { schema = "someone/else" }.contains("someone/else"))
        assertTrue(refusal { version = "2" }.contains("schema version 2"))
        assertTrue(refusal { version = "1.5" }.contains("not a whole number"))
        assertTrue(refusal { version = "\"1\"" }.contains("not a number"))
    }

    @Test
    fun whatIsNotJsonIsRefused() {
        val root = TinyBundle().folder()
        File(root, BUNDLE_FILE).writeText("{\"schema\": ")
        assertTrue(refusal(FolderFiles(root)).contains("is not JSON"))
        File(root, BUNDLE_FILE).writeBytes(byteArrayOf(0x22, 0xC3.toByte(), 0x22))
        assertTrue(refusal(FolderFiles(root)).contains("not UTF-8"))
        File(root, BUNDLE_FILE).delete()
        assertTrue(refusal(FolderFiles(root)).contains("There is no bundle.json"))
    }

    @Test
    fun missingUnlistedAndDoubleFilesAreRefused() {
        val root = TinyBundle().folder()
        File(root, "golden/more.png").writeText("x")
        assertEquals("golden/more.png is not listed in bundle.json; remove it.", refusal(FolderFiles(root)))
        File(root, "golden/more.png").delete()
        File(root, "golden/mask.png").delete()
        assertEquals("golden/mask.png is listed in bundle.json and missing.", refusal(FolderFiles(root)))
        val twice = refusal { extraListings = listOf(TinyBundle.listing("golden/mask.png", 4, sha256("mask".toByteArray()))) }
        assertTrue(twice.contains("listed twice"))
    }

    @Test
    fun sizeIsComparedBeforeAnythingIsRead() {
        val files = object : BundleFiles by FolderFiles(TinyBundle().folder()) {
            override fun sizeBytes(path: String): Long? = if (path == "segmenter/net.tflite") 999 else null

            override fun open(path: String) =
                if (path == "segmenter/net.tflite") throw AssertionError("read before its size was compared")
                else FolderFiles(TinyBundle().folder()).open(path)
        }
        assertTrue(refusal(files).startsWith("segmenter/net.tflite has not the 1000 bytes"))
    }

    @Test
    fun aFileThatGrowsWhileItIsReadIsStoppedAtItsListedSize() {
        var read = 0L
        val endless = object : java.io.InputStream() {
            override fun read(): Int = 7

            override fun read(b: ByteArray, off: Int, len: Int): Int = len.also { read += len }
        }
        val folder = TinyBundle().folder()
        val files = object : BundleFiles by FolderFiles(folder) {
            override fun sizeBytes(path: String): Long? = null

            override fun open(path: String) =
                if (path == "segmenter/net.tflite") endless else FolderFiles(folder).open(path)
        }
        assertTrue(refusal(files).startsWith("segmenter/net.tflite has not the 1000 bytes"))
        assertTrue("$read bytes were read", read <= 1 shl 16)
    }

    @Test
    fun aWrongSizeOrSha256IsRefused() {
        assertTrue(refusal { listed = { path, bytes -> TinyBundle.listing(path, bytes.size + 1L, sha256(bytes)) } }.contains("has not the"))
        assertTrue(refusal { listed = { path, bytes -> TinyBundle.listing(path, bytes.size.toLong(), sha256(byteArrayOf(1))) } }.contains("sha256 differs"))
        assertTrue(refusal { listed = { path, bytes -> TinyBundle.listing(path, bytes.size.toLong(), "AB".repeat(32)) } }.contains("is not a sha256"))
    }

    @Test
    fun aFileChangedAfterOpeningIsNotUsed() {
        val root = TinyBundle().folder()
        val bundle = openBundle(FolderFiles(root))
        File(root, "segmenter/net.tflite").writeBytes(ByteArray(1000))
        assertThrows(BundleException::class.java) { bundle.bytes("segmenter/net.tflite") }
        File(root, "segmenter/net.tflite").delete()
        assertThrows(BundleException::class.java) { bundle.bytes("segmenter/net.tflite") }
    }

    @Test
    fun limitsAreKept() {
        val zero = "0".repeat(64)
        assertTrue(refusal { extraListings = listOf(TinyBundle.listing("big", (64L shl 20) + 1, zero)) }.contains("larger than 64 MiB"))
        assertTrue(refusal { extraListings = listOf(TinyBundle.listing("negative", -1, zero)) }.contains("64 MiB"))
        val many = (1..5).map { TinyBundle.listing("big$it", 60L shl 20, zero) }
        assertTrue(refusal { extraListings = many }.contains("larger than 256 MiB"))
        val root = TinyBundle().folder()
        File(root, BUNDLE_FILE).appendText(" ".repeat((1 shl 20) + 1))
        assertTrue(refusal(FolderFiles(root)).contains("larger than 1 MiB"))
        assertTrue(refusal(object : BundleFiles by FolderFiles(root) { override fun sizeBytes(path: String): Long? = null }).contains("1 MiB"))
    }

    @Test
    fun pathsThatAreOneFileElsewhereAreRefused() {
        fun listing(path: String) = TinyBundle.listing(path, 1, "0".repeat(64))
        val pairs = listOf("a/B" to "A/b", "caf\u00e9" to "cafe\u0301", "stra\u00dfe" to "STRASSE")
        for ((one, other) in pairs) {
            assertTrue(refusal { extraListings = listOf(listing(one), listing(other)) }.contains("hold for one file"))
        }
        assertTrue(refusal { extraListings = listOf(listing("GOLDEN")) }.contains("as a file and as a folder"))
    }

    @Test
    fun noSentenceHoldsWhatSteersATerminal() {
        assertEquals("a[31m b", BundleException("a\u001b[31m\u202e\n b").message)
        assertEquals(2000, BundleException("x".repeat(5000)).message!!.length)
        assertTrue(refusal { defaultStyle = "\\u001b[31m" }.contains("default_style is not a text without control characters"))
    }

    @Test
    fun stylesThatAreNotThereAreRefused() {
        assertTrue(refusal { defaultStyle = "cool" }.contains("default_style \"cool\""))
        assertTrue(refusal { goldenStyle = "cool" }.contains("golden/style \"cool\""))
    }

    @Test
    fun namedFilesMustBeListed() {
        assertTrue(refusal { files.remove("segmenter/net.tflite") }.contains("segmenter/net.tflite is named"))
        assertTrue(refusal { files.remove("golden/vectors.json") }.contains("golden/vectors.json is named"))
    }

    @Test
    fun aSymbolicLinkIsRefused() {
        val root = TinyBundle().folder()
        val mask = File(root, "golden/mask.png")
        mask.delete()
        val elsewhere = Files.createTempFile("mask", ".png").toFile().apply { writeText("mask") }
        Files.createSymbolicLink(mask.toPath(), elsewhere.toPath())
        assertEquals("golden/mask.png is a symbolic link; a bundle holds plain files only.", refusal(FolderFiles(root)))
    }

    @Test
    fun aZipWithDoubleNamesIsRefused() {
        val file = TinyBundle().apply { files["golden/mask.pnx"] = "mask".toByteArray() }.zip()
        val bytes = file.readBytes().toString(Charsets.ISO_8859_1).replace("golden/mask.pnx", "golden/mask.png")
        file.writeBytes(bytes.toByteArray(Charsets.ISO_8859_1))
        assertTrue(refusal(ZipFiles(file)).contains("golden/mask.png twice"))
    }

    @Test
    fun aZipEntryThatInflatesBeyondItsListingIsRefused() {
        val bomb = TinyBundle().apply {
            files["segmenter/net.tflite"] = ByteArray(1 shl 20)
            listed = { path, bytes ->
                val small = if (path == "segmenter/net.tflite") ByteArray(1000) else bytes
                TinyBundle.listing(path, small.size.toLong(), sha256(small))
            }
        }
        val lying = object : BundleFiles by ZipFiles(bomb.zip()) { override fun sizeBytes(path: String): Long? = null }
        assertTrue(refusal(ZipFiles(bomb.zip())).contains("has not the 1000 bytes"))
        assertTrue(refusal(lying).contains("has not the 1000 bytes"))
    }

    @Test
    fun aSizeIsASideOrRowsByColumns() {
        fun opened(manifest: String) = openBundle(
            FolderFiles(
                TinyBundle().apply {
                    inputSize = "\"64x96\""
                    maskSize = "\"16x24\""
                    files["segmenter/net.tflite.json"] = manifest.toByteArray()
                }.folder(),
            ),
        )
        val frame = TinyBundle.MANIFEST.replace("64, 64, 3", "64, 96, 3").replace("16, 16, 4", "16, 24, 4")
        val fitted = frame.replaceFirst("{", "{\"preprocessing\": \"$FRAME_PREPROCESSING\", ")
        val bundle = opened(fitted)
        val segmenter = bundle.segmenter("tflite").also(bundle::requireUsable)
        assertEquals(PixelSize(width = 96, height = 64), segmenter.inputSize)
        assertEquals(PixelSize(width = 24, height = 16), segmenter.maskSize)
        for (other in listOf(fitted.replace("fit-", "crop-"), TinyBundle.MANIFEST)) {
            val strange = opened(other)
            assertThrows(BundleException::class.java) { strange.requireUsable(strange.segmenter("tflite")) }
        }
        for (size in listOf("\"64x\"", "\"64X96\"", "\"0x96\"", "\"64x16385\"", "\" 64x96\"", "\"64\"")) {
            assertTrue(refusal { inputSize = size }.contains("input_size is neither a side nor rows x columns"))
        }
    }

    @Test
    fun anArtifactWithLabelsIsNotForThisApp() {
        val changed = TinyBundle.MANIFEST.replace("\"skin\", \"hair\"", "\"hair\", \"skin\"")
        val root = TinyBundle().apply { files["segmenter/net.tflite.json"] = changed.toByteArray() }.folder()
        val bundle = openBundle(FolderFiles(root))
        val message = assertThrows(BundleException::class.java) { bundle.requireUsable(bundle.segmenter("tflite")) }.message!!
        assertTrue(message.contains("--output groups"))
    }

    private fun refusedShader(from: String, to: String, tiny: TinyBundle = TinyBundle()): String {
        val text = tiny.files["styles/warm/shader.json"]!!.toString(Charsets.UTF_8)
        check(from in text)
        tiny.files["styles/warm/shader.json"] = text.replaceFirst(from, to).toByteArray()
        val bundle = openBundle(FolderFiles(tiny.folder()))
        return assertThrows(BundleException::class.java) { bundle.shader(bundle.style("warm")) }.message!!
    }

    @Test
    fun aShaderThisAppCannotFeedIsRefused() {
        assertTrue(refusedShader("\"camera\"", "\"coefficients\"").contains("--refinement bilinear"))
        assertTrue(refusedShader("\"camera\"", "\"picture\"").contains("a picture of its own"))
        assertTrue(refusedShader("\"camera\"", "\"shadow\"").contains("a matching version"))
        assertTrue(refusedShader("\"2d\"", "\"3d\"").contains("camera texture of another form"))
        assertTrue(refusedShader("\"size\": [2, 3, 2]", "\"size\": [2, 2, 2]").contains("48 bytes"))
        assertTrue(refusedShader("\"file\": \"lut_0.rgba8\"", "\"file\": \"../lut\"").contains("plain file name"))
        assertTrue(refusedShader("void main() {}", "void main() { }").contains("shader text was changed"))
        assertTrue(refusedShader("\"schema_version\": 1", "\"schema_version\": 2").contains("version 1"))
    }
}
