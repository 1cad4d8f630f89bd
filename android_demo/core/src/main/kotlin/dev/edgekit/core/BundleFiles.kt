package dev.edgekit.core

import java.io.Closeable
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.nio.file.Files
import java.util.zip.ZipEntry
import java.util.zip.ZipFile

/** Where a bundle's bytes lie: a folder, a zip, an app's assets. */
interface BundleFiles {
    /** Every file's path below the bundle's root, with `/`. A BundleException for links and duplicates. */
    fun paths(): List<String>

    /** The size before reading, or null where only reading tells. */
    fun sizeBytes(path: String): Long?

    fun open(path: String): InputStream
}

/** A bundle in a folder. Symbolic links are refused, wherever they lead. */
class FolderFiles(private val root: File) : BundleFiles {
    override fun paths(): List<String> {
        val found = ArrayList<String>()
        collect(root, "", found)
        return found
    }

    override fun sizeBytes(path: String): Long = File(root, path).length()

    override fun open(path: String): InputStream = File(root, path).inputStream()

    private fun collect(folder: File, prefix: String, found: MutableList<String>) {
        val children = folder.listFiles() ?: throw BundleException("$folder is not a folder that can be read.")
        for (child in children.sortedBy { it.name }) {
            val path = prefix + child.name
            if (Files.isSymbolicLink(child.toPath())) {
                throw BundleException("$path is a symbolic link; a bundle holds plain files only.")
            }
            if (child.isDirectory) {
                collect(child, "$path/", found)
            } else if (Files.isRegularFile(child.toPath())) {
                found.add(path)
            } else {
                throw BundleException("$path is a pipe, socket or device; a bundle holds plain files only.")
            }
        }
    }
}

/** A bundle in a zip, entries at its root. Close it after the last [open]. */
class ZipFiles(file: File) : BundleFiles, Closeable {
    private val zip = opened(file)

    override fun paths(): List<String> {
        val names = ArrayList<String>()
        for (entry in zip.entries()) names.add(entry.name)
        val twice = names.groupingBy { it }.eachCount().entries.firstOrNull { it.value > 1 }
        if (twice != null) throw BundleException("The zip holds ${twice.key} twice; make the bundle again.")
        return names
    }

    override fun sizeBytes(path: String): Long? = entry(path).size.takeIf { it >= 0 }

    override fun open(path: String): InputStream = zip.getInputStream(entry(path))

    override fun close() = zip.close()

    private fun entry(path: String): ZipEntry =
        zip.getEntry(path) ?: throw BundleException("The zip has no $path; make the bundle again.")

    private companion object {
        fun opened(file: File): ZipFile = try {
            ZipFile(file)
        } catch (error: IOException) {
            throw unreadable(file, error)
        } catch (error: IllegalArgumentException) { // names that are not UTF-8
            throw unreadable(file, error)
        }

        fun unreadable(file: File, error: Exception) =
            BundleException("$file is not a zip that can be read: ${error.message}.", error)
    }
}
