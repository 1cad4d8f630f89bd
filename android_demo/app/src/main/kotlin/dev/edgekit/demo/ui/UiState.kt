package dev.edgekit.demo.ui

import dev.edgekit.core.ControlRange
import dev.edgekit.core.Controls
import dev.edgekit.core.StyleEntry

/** What the screen shows. */
sealed interface UiState {
    data object Loading : UiState

    /** Nothing can be shown: the sentence says what to do. */
    data class Failed(val sentence: String) : UiState

    data class Ready(
        val styles: List<StyleEntry>,
        val style: StyleEntry,
        val ranges: List<ControlRange>,
        val controls: Controls,
        val showsBefore: Boolean = false,
        val isFrontCamera: Boolean = false,
        val notice: String? = null,
        /** One sentence on each accelerator: why it is used, or why not. Empty until one is chosen. */
        val accelerators: List<String> = emptyList(),
    ) : UiState
}
