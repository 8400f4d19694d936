public import TernModel

extension Engine {
    /// The grid of this engine's maps; nil when it was made without maps or the plan is of a kind that has none.
    public var mapShape: MapShape? { maps?.shape }

    /// The grid of the maps that an engine for the model would make; nil for a plan that has none.
    public static func mapShape(of model: ModelFile) -> MapShape? { SharesPlan(model)?.shape ?? RelevancePlan(model)?.shape }

    /// Where the model looked in the last inference: for each patch its part in an output.
    ///
    /// With `.patchShares` the values and the base add up to the output: exactly in real numbers, to a few units in the last place as computed. The
    /// base is what no patch has: biases, and what rounding the head's input and weights moved. Spread evenly, it makes the patches alone add up.
    /// With `.tokenRelevance` the values and the base, which is what class and register tokens keep, add up to 1, to rounding, or to less: a token whose
    /// weighted norms of values are all 0 in a layer keeps half of its relevance there, and the other half is lost.
    ///
    /// - Parameters:
    ///   - index: an output of the model.
    ///   - values: `mapShape.count` values, overwritten.
    /// - Returns: the base.
    /// - Throws: `EngineError.noMap` or `.valueCount`; the values are then unspecified.
    /// - Precondition: the last inference has succeeded.
    /// - Source: Models/NUMERICS.md N-16 and N-17; the same bits on every instruction set and thread count.
    /// - Cost: no allocation.
    public func makeMap(ofOutput index: Int, into values: inout MutableSpan<Float>) throws(EngineError) -> Float {
        try makeMap(ofOutput: index, isContrast: false, into: &values)
    }

    func makeMap(ofOutput index: Int, isContrast: Bool, into values: inout MutableSpan<Float>) throws(EngineError) -> Float {
        guard let maps, index >= 0, index < model.header.outputCount else { throw .noMap(output: index) }
        guard values.count == maps.shape.count else { throw .valueCount(expected: maps.shape.count, found: values.count) }
        let base = maps.make(output: index, isContrast: isContrast, of: model, arena: arena, table: table, into: &values)
        var isFinite = base.isFinite
        for patch in values.indices where !values[patch].isFinite { isFinite = false }
        guard isFinite else { throw .noMap(output: index) }
        return base
    }

    /// Adds an even part of `base` to each of a map's values, so that the patches alone add up.
    public static func spread(_ base: Float, over values: inout MutableSpan<Float>) {
        let part = base / Float(values.count)
        for patch in values.indices { values[patch] += part }
    }
}
