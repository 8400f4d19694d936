/// How a score follows when patches go and come in the order of one map.
public struct MapCurves: Equatable, Sendable {
    public var deletion: [Double]
    public var insertion: [Double]
    public init(deletion: [Double], insertion: [Double]) {
        self.deletion = deletion
        self.insertion = insertion
    }
}

/// What was measured on one image; arrays are in the order of the names that `Faithfulness` is given.
public struct MapCase: Sendable {
    /// Of the model's own map.
    public var own: MapCurves
    /// Of each random order.
    public var random: [MapCurves]
    /// Of each other method.
    public var others: [MapCurves]
    /// Rank correlation of the own map with each other method's; nil where undefined.
    public var correlations: [Double?]
    /// For each stage, rank correlation of the own map with that of each shuffled model; nil where undefined.
    public var shuffled: [[Double?]]
    /// Sum of the map's values and base less what they are to add up to; nil where that is not known.
    public var gap: Double?
    public init(own: MapCurves, random: [MapCurves], others: [MapCurves], correlations: [Double?], shuffled: [[Double?]], gap: Double?) {
        self.own = own
        self.random = random
        self.others = others
        self.correlations = correlations
        self.shuffled = shuffled
        self.gap = gap
    }
}

/// Figures of how faithful a model's maps are, over all images.
///
/// - Source: areas: Petsiuk et al. 2018, arXiv:1806.07421; shuffled weights: Adebayo et al. 2018, arXiv:1810.03292.
public struct Faithfulness: Sendable {
    /// Figures of one way to order patches. A small deletion area and a large insertion area are good.
    public struct Method: Sendable {
        public var name: String
        public var deletion, insertion: Estimate
        /// Areas less those of the random orders of the same image; nil for the random orders themselves.
        public var deletionLessRandom, insertionLessRandom: Estimate?
        /// Images on which the area is better than the random orders' mean.
        public var deletionBetter, insertionBetter: Interval?
        /// Rank correlation of the own map with this method's, mean over the images where it is defined.
        public var rankCorrelation: Estimate?
        /// Mean scores at every point.
        public var curves: MapCurves
    }
    /// What became of the maps when weights were shuffled.
    public struct Stage: Sendable {
        public var name: String
        /// Mean rank correlation with the maps of the model as it is, and of its magnitude.
        public var rankCorrelation, magnitude: Estimate?
        /// Images where it is defined.
        public var count: Int
    }
    /// With every weight shuffled, a map whose rank correlation with the model's own is larger than this in magnitude, on average and at the upper end
    /// of the interval, is one of the image rather than of the model.
    public static let largestShuffledCorrelation = 0.5

    public var count: Int
    /// The model's own map first, then the random orders, then the others.
    public var methods: [Method]
    public var stages: [Stage]
    /// Largest magnitude of `MapCase.gap`; nil where none was measured.
    public var largestGap: Double?
    /// Points of the curves as shares of changed patches.
    public var shares: [Double]

    /// Whether the maps changed when all weights were shuffled: the last stage and no other counts. Nil when nothing was shuffled.
    public var changesWithWeights: Bool? {
        guard let last = stages.last else { return nil }
        guard let found = last.magnitude else { return false }
        return (found.interval?.upperBound ?? found.value) < Faithfulness.largestShuffledCorrelation
    }

    /// - Parameters:
    ///   - stages: names of the shuffled models, the one with every weight shuffled last.
    ///   - resamples: of the bootstrap over images; 0 leaves the intervals out.
    public init(_ cases: [MapCase], perturbation: Perturbation, own: String, others: [String], stages names: [String], resamples: Int) {
        count = cases.count
        shares = perturbation.counts.map { Double($0) / Double(perturbation.grid.count) }
        let gaps = cases.compactMap(\.gap)
        largestGap = gaps.isEmpty ? nil : gaps.map(\.magnitude).max()
        func mean(_ values: [Double]) -> Estimate? {
            bootstrap(count: values.count, resamples: resamples) { weights in
                let total = weights.reduce(0, +)
                return total == 0 ? nil : zip(values, weights).reduce(0) { $0 + $1.0 * Double($1.1) } / Double(total)
            }
        }
        let randomDeletion = cases.map { one in average(one.random.map { perturbation.area($0.deletion) }) }
        let randomInsertion = cases.map { one in average(one.random.map { perturbation.area($0.insertion) }) }
        let hasRandom = cases.first.map { !$0.random.isEmpty } ?? false

        func method(_ name: String, _ curves: [[MapCurves]], correlations: [Double?]?, isRandom: Bool = false) -> Method? {
            let deletion = curves.map { average($0.map { perturbation.area($0.deletion) }) }
            let insertion = curves.map { average($0.map { perturbation.area($0.insertion) }) }
            guard let deletionArea = mean(deletion), let insertionArea = mean(insertion) else { return nil }
            let compares = hasRandom && !isRandom
            let flat = curves.flatMap { $0 }
            return Method(
                name: name, deletion: deletionArea, insertion: insertionArea,
                deletionLessRandom: compares ? mean(zip(deletion, randomDeletion).map { $0 - $1 }) : nil,
                insertionLessRandom: compares ? mean(zip(insertion, randomInsertion).map { $0 - $1 }) : nil,
                deletionBetter: compares ? wilson(zip(deletion, randomDeletion).count { $0 < $1 }, of: cases.count) : nil,
                insertionBetter: compares ? wilson(zip(insertion, randomInsertion).count { $0 > $1 }, of: cases.count) : nil,
                rankCorrelation: correlations.flatMap { mean($0.compactMap { $0 }) },
                curves: MapCurves(deletion: pointwise(flat.map(\.deletion)), insertion: pointwise(flat.map(\.insertion))))
        }
        var found = [method(own, cases.map { [$0.own] }, correlations: nil)]
        if hasRandom { found.append(method("random order", cases.map(\.random), correlations: nil, isRandom: true)) }
        for (index, name) in others.enumerated() {
            found.append(method(name, cases.map { [$0.others[index]] }, correlations: cases.map { $0.correlations[index] }))
        }
        methods = found.compactMap { $0 }
        stages = names.enumerated().map { index, name in
            let values = cases.map { $0.shuffled[index].compactMap { $0 } }.filter { !$0.isEmpty }
            return Stage(
                name: name, rankCorrelation: mean(values.map(average)), magnitude: mean(values.map { average($0.map(\.magnitude)) }), count: values.count)
        }
    }
}

private func average(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }

/// The mean at every point of curves of one length.
private func pointwise(_ curves: [[Double]]) -> [Double] {
    guard let first = curves.first else { return [] }
    return first.indices.map { point in average(curves.map { $0[point] }) }
}
