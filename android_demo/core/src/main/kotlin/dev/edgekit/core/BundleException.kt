package dev.edgekit.core

/** A bundle is incomplete, damaged, unsafe, or made for another app. [message] is the user's sentence. */
class BundleException(message: String, cause: Throwable? = null) : Exception(message, cause)
