import TernModel
import TernPlatform

extension ModelDescription {
    /// `readingRules` of a description; nil when it has none.
    static func readingRules(_ root: KeyReader, labels: Labels) throws(ConvertError) -> ReadingRules? {
        guard root.has("readingRules") else { return nil }
        let reader = try root.child("readingRules", readingExample)
        var rules = ReadingRules(
            chosenOn: try name(reader, "chosenOn", limit: 31), measuredOn: try name(reader, "measuredOn", limit: 31),
            labels: [LabelRules](repeating: LabelRules(), count: labels.labels.count))
        if let digits = try reader.optionalString("confirmation") {
            guard let bytes = Hexadecimal.bytes(digits), bytes.count == ModelFormat.digestByteCount, bytes.contains(where: { $0 != 0 }) else {
                throw .badKey(reader.path("confirmation"), expected: "the 64 hexadecimal digits that tern inspect prints of the file that was measured")
            }
            rules.confirmation = bytes
        }
        if reader.has("region") {
            let region = try reader.child("region", "{\"key\": \"chest\"}")
            rules.region = try name(region, "key", limit: 31)
            if region.has("code") {
                let code = try region.child("code", "{\"scheme\": \"SCT\", \"value\": \"816094009\", \"meaning\": \"Chest\"}")
                rules.regionCode = Code(
                    scheme: try name(code, "scheme", limit: 15), value: try name(code, "value", limit: 31), meaning: try name(code, "meaning", limit: 63))
            }
        }
        if let level = try reader.optionalNumber("conformalLevel") {
            guard level > 0, level < 1, labels.activation == .softmax else {
                throw .badKey(reader.path("conformalLevel"), expected: "a share between 0 and 1, with the activation \"softmax\"")
            }
            rules.conformalLevel = Float(level)
        }
        var seen: [Int] = []
        for entry in try reader.children("labels") {
            let label = try entry.string("name", "\"name\": \"pneumonia\"")
            guard let index = labels.labels.firstIndex(where: { $0.name == label }), !seen.contains(index) else {
                throw .badKey(entry.path("name"), expected: "the name of a label, each once")
            }
            seen.append(index)
            rules.labels[index] = try labelRules(entry, label: labels.labels[index], hasSets: rules.conformalLevel != nil)
        }
        guard rules.conformalLevel == nil || seen.count == labels.labels.count else {
            throw .badKey(reader.path("labels"), expected: "every label: a conformal set may hold each of them")
        }
        return rules
    }

    /// What a description with reading rules says.
    static let readingExample = """
        {"chosenOn": "validation", "measuredOn": "test", "region": {"key": "chest"}, "labels": [{"name": "pneumonia", "structure": "lungs"}]}
        """

    private static func name(_ reader: KeyReader, _ key: String, limit: Int) throws(ConvertError) -> String {
        let text = try reader.string(key, "a text of 1 to \(limit) ASCII characters")
        guard !text.isEmpty, isPrintable(text, limit: limit) else { throw .nameTooLong(text, limit: limit) }
        return text
    }

    private static func labelRules(_ reader: KeyReader, label: Label, hasSets: Bool) throws(ConvertError) -> LabelRules {
        var rules = LabelRules(structure: try reader.has("structure") ? name(reader, "structure", limit: 31) : "")
        rules.chineseName = try reader.optionalString("chineseName") ?? ""
        guard rules.chineseName.utf8.count < ModelFormat.chineseNameByteCount else {
            throw .badKey(reader.path("chineseName"), expected: "at most \(ModelFormat.chineseNameByteCount - 1) bytes of UTF-8")
        }
        if reader.has("tiers") {
            guard label.threshold != nil else { throw .badKey(reader.path("tiers"), expected: "none: the label has no operating point") }
            rules.tiers = try tiers(reader.child("tiers", "bounds and counts"))
        }
        if hasSets {
            let set = try reader.child("conformal", "{\"least\": 0.1, \"cases\": 390, \"covered\": 352}")
            rules.conformal = ConformalRule(
                least: Float(try set.number("least", "\"least\": 0.1")), cases: try set.integer("cases", "\"cases\": 390"),
                covered: try set.integer("covered", "\"covered\": 352"))
        } else if reader.has("conformal") {
            throw .badKey(reader.path("conformal"), expected: "none without conformalLevel")
        }
        return rules
    }

    private static func tiers(_ reader: KeyReader) throws(ConvertError) -> TierRules {
        func bound(_ key: String, none: Float) throws(ConvertError) -> Float {
            guard let number = try reader.optionalNumber(key) else { return none }
            guard number >= 0, number <= 1 else { throw .badKey(reader.path(key), expected: "a score from 0 to 1, or null where no score is that sure") }
            return Float(number)
        }
        var rules = TierRules(
            negativeHigh: try bound("negativeHigh", none: TierRules.noNegative), negativeMedium: try bound("negativeMedium", none: TierRules.noNegative),
            positiveMedium: try bound("positiveMedium", none: TierRules.noPositive), positiveHigh: try bound("positiveHigh", none: TierRules.noPositive),
            counts: [])
        guard rules.negativeHigh <= rules.negativeMedium, rules.positiveMedium <= rules.positiveHigh else {
            throw .badKey(reader.path("negativeMedium"), expected: "bounds that ascend: negativeHigh, negativeMedium; positiveMedium, positiveHigh")
        }
        for name in TierRules.tierNames {
            let tier = try reader.child(name, "{\"positive\": [208, 210], \"negative\": [98, 100]}, right calls of all")
            for key in ["positive", "negative"] {
                let pair = try tier.integers(key, "[right calls, all calls]")
                guard pair.count == 2, pair[0] >= 0, pair[0] <= pair[1], pair[1] <= UInt32.max else {
                    throw .badKey(tier.path(key), expected: "[right calls, all calls]")
                }
                rules.counts.append(TierRules.Count(cases: pair[1], right: pair[0]))
            }
        }
        return rules
    }
}
