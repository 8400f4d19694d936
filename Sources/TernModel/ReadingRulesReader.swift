import TernBytes
import TernPlatform

/// Rule F-29; nil for a file without the section.
func readReadingRules(_ file: RawSpan, sections: SectionTable, labels: Labels) throws(ModelFileError) -> ReadingRules? {
    guard let range = sections.readingRules else { return nil }
    let (headByteCount, recordByteCount) = (ModelFormat.readingRulesHeadByteCount, ModelFormat.readingRuleByteCount)
    guard range.count >= headByteCount else { throw .readingRules(.byteCount, label: nil, value: UInt32(range.count)) }
    let bytes = file.extracting(range)
    let head = RecordReader(bytes.extracting(0..<headByteCount), fileOffset: range.lowerBound, place: .readingRules)
    let count = labels.labels.count
    guard head.uint32(0) == UInt32(count), range.count == headByteCount + count * recordByteCount else {
        throw .readingRules(.byteCount, label: nil, value: head.uint32(0))
    }
    var rules = try readHead(head, labels: labels)
    for index in 0..<count {
        let start = headByteCount + index * recordByteCount
        let record = RecordReader(
            bytes.extracting(start..<(start + recordByteCount)), fileOffset: range.lowerBound + start, place: .readingRule(index))
        rules.labels.append(try readRules(record, index: index, label: labels.labels[index], hasSets: rules.conformalLevel != nil))
    }
    return rules
}

private func readHead(_ head: borrowing RecordReader, labels: Labels) throws(ModelFileError) -> ReadingRules {
    let flags = head.uint32(4)
    guard flags <= 1 else { throw .readingRules(.flags, label: nil, value: flags) }
    let level = head.float(8)
    guard flags == 0 ? level.bitPattern == 0 : level > 0 && level < 1 && labels.activation == .softmax else {
        throw .readingRules(.level, label: nil, value: level.bitPattern)
    }
    try head.checkZero(12..<16)
    let confirmation = head.bytes.extracting(16..<48)
    var rules = ReadingRules(chosenOn: try head.text(48..<80), measuredOn: try head.text(80..<112), labels: [])
    if confirmation.firstNonZeroOffset != nil { rules.confirmation = confirmation.array }
    if flags == 1 { rules.conformalLevel = level }
    rules.region = try head.text(112..<144, mayBeEmpty: true)
    let (scheme, value) = (try head.text(144..<160, mayBeEmpty: true), try head.text(160..<192, mayBeEmpty: true))
    let meaning = try head.text(192..<256, mayBeEmpty: true)
    let emptyCount = (scheme.isEmpty ? 1 : 0) + (value.isEmpty ? 1 : 0) + (meaning.isEmpty ? 1 : 0)
    guard emptyCount == 3 || emptyCount == 0 && !rules.region.isEmpty else { throw .readingRules(.region, label: nil, value: UInt32(emptyCount)) }
    if emptyCount == 0 { rules.regionCode = Code(scheme: scheme, value: value, meaning: meaning) }
    return rules
}

private func readRules(_ record: borrowing RecordReader, index: Int, label: Label, hasSets: Bool) throws(ModelFileError) -> LabelRules {
    func fault(_ fault: ModelFileError.ReadingFault, _ value: UInt32) -> ModelFileError { .readingRules(fault, label: index, value: value) }
    var rules = LabelRules(structure: try record.text(0..<32, mayBeEmpty: true))
    let name = record.bytes.extracting(32..<96)
    guard let chineseName = chineseText(name) else { throw fault(.name, name.uint32LE(at: 0)) }
    rules.chineseName = chineseName
    let flags = record.uint32(96)
    guard flags <= 1, flags == 0 || label.threshold != nil else { throw fault(.flags, flags) }
    if flags == 1 {
        let tiers = TierRules(
            negativeHigh: record.float(100), negativeMedium: record.float(104), positiveMedium: record.float(108), positiveHigh: record.float(112),
            counts: (0..<6).map { TierRules.Count(cases: Int(record.uint32(116 + 8 * $0)), right: Int(record.uint32(120 + 8 * $0))) })
        for (low, high, none) in [
            (tiers.negativeHigh, tiers.negativeMedium, TierRules.noNegative), (tiers.positiveMedium, tiers.positiveHigh, TierRules.noPositive),
        ] {
            for bound in [low, high] {
                guard bound >= 0 && bound <= 1 || bound == none else { throw fault(.bound, bound.bitPattern) }
            }
            guard low <= high else { throw fault(.bound, high.bitPattern) }
        }
        for count in tiers.counts where count.right > count.cases { throw fault(.count, UInt32(clamping: count.right)) }
        rules.tiers = tiers
    } else {
        try record.checkZero(100..<164)
    }
    if hasSets {
        let rule = ConformalRule(least: record.float(164), cases: Int(record.uint32(168)), covered: Int(record.uint32(172)))
        guard rule.least >= 0, rule.least <= 1 else { throw fault(.bound, rule.least.bitPattern) }
        guard rule.covered <= rule.cases else { throw fault(.count, UInt32(clamping: rule.covered)) }
        rules.conformal = rule
    } else {
        try record.checkZero(164..<176)
    }
    try record.checkZero(176..<ModelFormat.readingRuleByteCount)
    return rules
}

/// UTF-8 without control characters, then at least one zero, then zeros; nil for anything else.
private func chineseText(_ field: RawSpan) -> String? {
    var characters: [UInt8] = []
    while characters.count < field.byteCount, field.uint8(at: characters.count) != 0 { characters.append(field.uint8(at: characters.count)) }
    guard characters.count < field.byteCount, field.extracting(characters.count..<field.byteCount).firstNonZeroOffset == nil else { return nil }
    let text = String(decoding: characters, as: UTF8.self)
    // Bytes that are not UTF-8 would come back as U+FFFD.
    guard text.utf8.elementsEqual(characters) else { return nil }
    for scalar in text.unicodeScalars where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) { return nil }
    return text
}

extension SectionTable {
    /// What decides outputs and calls, as one digest of 32 bytes: Models/FORMAT.md section 11.
    ///
    /// - Precondition: the file has `count` sections, and their records were checked.
    static func confirmation(of file: RawSpan, count: Int, minor: Int) -> [UInt8] {
        var text = Array("tern-confirmation-v1\n".utf8)
        text += file.extracting(36..<80).array
        for index in 0..<count {
            let record = record(file, index)
            guard let kind = SectionKind(rawValue: record.uint32(0)), minor >= kind.sinceMinor, kind.isDecisive else { continue }
            text += record.bytes.extracting(0..<4).array
            text += record.bytes.extracting(24..<56).array
        }
        return Digest.blake2b256(text)
    }
}
