package androidx.activity.result

import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia.VisualMediaType

class PickVisualMediaRequest {
    class Builder {
        @Suppress("UNUSED_PARAMETER")
        fun setMediaType(mediaType: VisualMediaType): Builder = throw RuntimeException("stub")

        fun build(): PickVisualMediaRequest = throw RuntimeException("stub")
    }
}
