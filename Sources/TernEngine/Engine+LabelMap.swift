public import TernModel

extension Engine {
    /// Where the model looked for one of its labels in the last inference.
    ///
    /// Scores of a softmax depend on differences of outputs alone: what is added to all of them changes no score. The map of such a label is therefore that
    /// of its output less the mean of the maps of the other outputs; of two outputs it adds up, with the base, to the difference that decides the score. For
    /// other activations, and for token relevance, which is the same for every output, it is the map of the label's output.
    ///
    /// - Parameters:
    ///   - label: one of `labels`.
    ///   - values: `mapShape.count` values, overwritten.
    /// - Returns: the base.
    /// - Throws: as `makeMap`.
    /// - Precondition: the last inference has succeeded.
    /// - Cost: a map for each output; one array of the map's size.
    public func makeMap(of label: Label, in labels: Labels, into values: inout MutableSpan<Float>) throws(EngineError) -> Float {
        var base = try makeMap(ofOutput: label.outputIndex, into: &values)
        let outputCount = model.header.outputCount
        guard labels.activation == .softmax, mapShape?.method == .patchShares, outputCount > 1 else { return base }
        let part = -1 / Float(outputCount - 1)
        var other = [Float](repeating: 0, count: values.count)
        for output in 0..<outputCount where output != label.outputIndex {
            var span = other.mutableSpan
            base += part * (try makeMap(ofOutput: output, into: &span))
            for patch in values.indices { values[patch] += part * other[patch] }
        }
        return base
    }
}
