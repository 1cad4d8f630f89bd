import Foundation

/// What the types of a bundle's index do not say.
extension BundleIndex {
    private static let largestSide = 16384  // pixels: the largest texture that a GPU of today takes
    private static let largestDeltaE = 100.0  // black against white
    private static let mostNameCharacters = 1000

    /// BundleError: a name that steers what shows it, a number beyond its range, something twice or missing.
    func check() throws {
        try checkTexts()
        try checkLists()
        try checkNumbers()
        for picture in [golden.image, golden.mask, golden.styled] where !isSha256(picture.rgba8Sha256) {
            throw refusal("the sha256 of the pixels of \(picture.path) is none")
        }
        for control in controls where !control.isValid {
            throw refusal("the default of the control \(control.name) is outside its range")
        }
        guard Set(golden.uniforms.values.keys) == Set(controls.map(\.name)) else {
            throw refusal("the golden picture's uniforms are not the bundle's controls")
        }
    }

    private func checkTexts() throws {
        var texts: [String] = [name, edgekitVersion, defaultStyle, golden.style, golden.vectors]
        texts += classNames
        texts += groups.keys
        for style in styles { texts += [style.name, style.title, style.description] }
        for control in controls { texts.append(control.name) }
        for picture in [golden.image, golden.mask, golden.styled] { texts.append(picture.path) }
        for segmenter in segmenters {
            texts += [segmenter.path, segmenter.manifest, segmenter.recipe, segmenter.minimumOS]
        }
        for artifact in segmenters.flatMap(\.accelerated) {
            texts += [artifact.accelerator, artifact.path, artifact.manifest, artifact.recipe]
        }
        for text in texts {
            let count = text.unicodeScalars.count
            guard count > 0, count <= Self.mostNameCharacters else {
                throw refusal("a text has \(count) characters: 1 to \(Self.mostNameCharacters) are allowed")
            }
            guard !text.unicodeScalars.contains(where: steers) else {
                throw refusal("a text holds control characters: \"\(text)\"")
            }
        }
    }

    private func checkLists() throws {
        let counts = ["segmenters": segmenters.count, "class_names": classNames.count, "styles": styles.count, "files": files.count]
        if let empty = counts.filter({ $0.value == 0 }).keys.min() { throw refusal("\(empty) is empty") }
        let lists =
            [
                ("style", styles.map(\.name)), ("control", controls.map(\.name)),
                ("segmenter for", segmenters.map(\.target)),
            ] + segmenters.map { ("accelerator", $0.accelerated.map(\.accelerator)) }
        for (kind, names) in lists {
            var seen: Set<String> = []
            for name in names where !seen.insert(name).inserted { throw refusal("it lists the \(kind) \(name) twice") }
        }
        for target in segmenters.map(\.target) where !["coreml", "tflite"].contains(target) {
            throw refusal("a segmenter is for \(target), which is not known")
        }
        for artifact in segmenters.flatMap(\.accelerated) where artifact.accelerator != "gpu" {
            throw refusal("\(artifact.path) is for \(artifact.accelerator), which is not known")
        }
        guard groups.values.joined().allSatisfy(classNames.indices.contains) else {
            throw refusal("a group has a class that class_names has not")
        }
    }

    private func checkNumbers() throws {
        var sides: [Int] = []
        for size in segmenters.flatMap({ [$0.inputSize, $0.maskSize] }) { sides += [size.width, size.height] }
        for picture in [golden.image, golden.mask, golden.styled] { sides += [picture.width, picture.height] }
        guard sides.allSatisfy((1...Self.largestSide).contains) else {
            throw refusal("a size in pixels is not from 1 to \(Self.largestSide)")
        }
        guard (0...255).contains(golden.givenMaskMaxLevels) else {
            throw refusal("golden/given_mask_max_levels is not from 0 to 255")
        }
        guard golden.endToEndDeltaE00P95 > 0, golden.endToEndDeltaE00P95 <= Self.largestDeltaE else {
            throw refusal("golden/end_to_end_delta_e00_p95 is not above 0 and at most \(Self.largestDeltaE)")
        }
    }

    private func refusal(_ reason: String) -> BundleError {
        BundleError("\(EdgekitBundle.indexFile): \(reason); make the bundle again.")
    }
}

func isSha256(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
}
