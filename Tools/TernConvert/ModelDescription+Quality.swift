import TernModel

extension ModelDescription {
    /// `qualityGate` of a description; nil when it has none.
    static func qualityRules(_ root: KeyReader, channels: Int) throws(ConvertError) -> QualityRules? {
        guard root.has("qualityGate") else { return nil }
        let reader = try root.child("qualityGate", qualityExample)
        let measuredOn = try reader.string("measuredOn", "\"measuredOn\": \"test\"")
        guard isPrintable(measuredOn, limit: 31), !measuredOn.isEmpty else { throw .nameTooLong(measuredOn, limit: 31) }
        let (cases, refused) = try cases(reader, least: 1)
        var rules: [QualityRule] = []
        for entry in try reader.children("rules") { rules.append(try rule(entry, channels: channels)) }
        rules.sort { $0.criterion.rawValue < $1.criterion.rawValue }
        guard !rules.isEmpty else { throw .missingKey(reader.path("rules"), expected: qualityExample) }
        for (one, next) in zip(rules, rules.dropFirst()) where one.criterion == next.criterion {
            throw .badKey(reader.path("rules"), expected: "each criterion once; \"\(one.criterion.name)\" stands twice")
        }
        return QualityRules(rules: rules, measuredOn: measuredOn, cases: cases, refused: refused)
    }

    /// What a description with a quality gate says.
    static let qualityExample = """
        {"measuredOn": "test", "cases": 624, "refused": 1, "rules": [{"criterion": "contrast", "threshold": 9.5, "cases": 624, "refused": 1}]}
        """

    private static func rule(_ reader: KeyReader, channels: Int) throws(ConvertError) -> QualityRule {
        let name = try reader.string("criterion", "\"criterion\": \"contrast\"")
        guard let criterion = QualityCriterion.allCases.first(where: { $0.name == name }) else {
            throw .badKey(reader.path("criterion"), expected: "one of \(QualityCriterion.allCases.map(\.name).joined(separator: ", "))")
        }
        guard channels != (criterion == .mostColour ? 3 : criterion == .leastColour ? 1 : 0) else {
            throw .badKey(reader.path("criterion"), expected: "mostColour for one channel, leastColour for three; this model has \(channels)")
        }
        var (threshold, text) = (0 as Float, "")
        if criterion.isMeasured {
            threshold = Float(try reader.number("threshold", "\"threshold\": 0.42"))
            guard (0...criterion.limit).contains(threshold) else { throw .badKey(reader.path("threshold"), expected: "a number from 0 to \(criterion.limit)") }
        } else if criterion == .viewPosition {
            text = try reader.string("allowed", "\"allowed\": \"AP,PA\"")
            guard isPrintable(text, limit: 47), !text.isEmpty else { throw .nameTooLong(text, limit: 47) }
        }
        let (cases, refused) = try cases(reader, least: criterion.isMeasured ? 1 : 0)
        return QualityRule(criterion: criterion, threshold: threshold, text: text, cases: cases, refused: refused)
    }

    private static func cases(_ reader: KeyReader, least: Int) throws(ConvertError) -> (cases: Int, refused: Int) {
        let cases = try reader.integer("cases", "\"cases\": 624")
        guard cases >= least, cases <= UInt32.max else { throw .badKey(reader.path("cases"), expected: "the count of images, at least \(least)") }
        let refused = try reader.integer("refused", "\"refused\": 1")
        guard (0...cases).contains(refused) else { throw .badKey(reader.path("refused"), expected: "how many of the \(cases) images are refused") }
        return (cases, refused)
    }
}
