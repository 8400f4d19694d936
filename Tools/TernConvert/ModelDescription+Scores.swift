import TernModel

extension ModelDescription {
    /// `scoreReference` of a description; nil when it has none.
    static func scoreReference(_ root: KeyReader, labels: Labels) throws(ConvertError) -> ScoreReference? {
        guard root.has("scoreReference") else { return nil }
        let reader = try root.child("scoreReference", scoreExample)
        guard labels.activation != .none else {
            throw .badKey("scoreReference", expected: "none: with the activation \"none\" outputs are no scores from 0 to 1")
        }
        let measuredOn = try reader.string("measuredOn", "\"measuredOn\": \"test\"")
        guard isPrintable(measuredOn, limit: 31) else { throw .nameTooLong(measuredOn, limit: 31) }
        let cases = try reader.integer("cases", "\"cases\": 624")
        guard cases > 0, cases <= UInt32.max else { throw .badKey(reader.path("cases"), expected: "the count of images, at least 1") }
        var found: [ScoreDistribution] = []
        for entry in try reader.children("labels") { found.append(try distribution(entry, labels: labels, cases: cases)) }
        found.sort { $0.labelIndex < $1.labelIndex }
        guard !found.isEmpty else { throw .missingKey(reader.path("labels"), expected: scoreExample) }
        for (one, next) in zip(found, found.dropFirst()) where one.labelIndex == next.labelIndex {
            throw .badKey(reader.path("labels"), expected: "each label once; \"\(labels.labels[one.labelIndex].name)\" stands twice")
        }
        return ScoreReference(labels: found, measuredOn: measuredOn, cases: cases)
    }

    /// What a description with a score reference says.
    static let scoreExample = """
        {"measuredOn": "test", "cases": 624, "labels": [{"name": "pneumonia", "edges": [0.25, 0.75], "counts": [200, 24, 400]}]}
        """

    private static func distribution(_ reader: KeyReader, labels: Labels, cases: Int) throws(ConvertError) -> ScoreDistribution {
        let name = try reader.string("name", "\"name\": \"pneumonia\"")
        guard let index = labels.labels.firstIndex(where: { $0.name == name }), labels.labels[index].isReported else {
            throw .badKey(reader.path("name"), expected: "the name of a label that is reported")
        }
        let counts = try reader.integers("counts", "\"counts\": [200, 24, 400], the images in each bin")
        guard (2...ModelFormat.limitScoreBins).contains(counts.count), counts.allSatisfy({ (1...cases).contains($0) }), counts.reduce(0, +) == cases else {
            throw .badKey(reader.path("counts"), expected: "2 to \(ModelFormat.limitScoreBins) numbers of at least 1 that add up to \(cases)")
        }
        let edges = try reader.numbers("edges", count: counts.count - 1, "\"edges\": \(counts.count - 1) scores, one fewer than counts").map { Float($0) }
        guard zip([0] + edges, edges).allSatisfy(<), edges.allSatisfy({ $0 <= 1 }) else {
            throw .badKey(reader.path("edges"), expected: "scores that ascend, above 0 and up to 1")
        }
        return ScoreDistribution(labelIndex: index, edges: edges, counts: counts)
    }
}
