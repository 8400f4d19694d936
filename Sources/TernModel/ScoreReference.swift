/// How the scores of the labels were distributed on the cases that the card's figures come from, Models/FORMAT.md section 10: what a service holds
/// the scores of its own images against.
public struct ScoreReference: Equatable, Sendable {
    /// The labels that have a distribution: label indices ascend; at least one.
    public var labels: [ScoreDistribution]
    /// The cases they were counted on, for example `test`; at most 31 ASCII bytes, not empty.
    public var measuredOn: String
    /// How many there were, at least one; the counts of every label add up to it.
    public var cases: Int
    public init(labels: [ScoreDistribution], measuredOn: String, cases: Int) {
        self.labels = labels
        self.measuredOn = measuredOn
        self.cases = cases
    }
}

/// Of one label: how many cases have a score in each bin.
public struct ScoreDistribution: Equatable, Sendable {
    /// Index into the labels of the file; a reported one.
    public var labelIndex: Int
    /// Where one bin ends and the next begins, ascending, in 0 ... 1 without 0: bin k holds the scores s with edges[k - 1] <= s < edges[k].
    public var edges: [Float]
    /// Cases in each bin, one more than edges; none is 0.
    public var counts: [Int]
    public init(labelIndex: Int, edges: [Float], counts: [Int]) {
        self.labelIndex = labelIndex
        self.edges = edges
        self.counts = counts
    }
}
