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
    /// - Cost: of one map, and of reading the whole head; no allocation.
    public func makeMap(of label: Label, in labels: Labels, into values: inout MutableSpan<Float>) throws(EngineError) -> Float {
        try makeMap(ofOutput: label.outputIndex, isContrast: labels.activation == .softmax, into: &values)
    }
}
