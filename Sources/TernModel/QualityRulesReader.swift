import TernBytes

/// Rule F-27; nil for a file without the section.
func readQualityRules(_ file: RawSpan, sections: SectionTable, recipe: InputRecipe) throws(ModelFileError) -> QualityRules? {
    guard let range = sections.qualityRules else { return nil }
    let headByteCount = ModelFormat.qualityRulesHeadByteCount
    guard range.count >= headByteCount else { throw .qualityRules(.byteCount, rule: nil, value: UInt32(range.count)) }
    let bytes = file.extracting(range)
    let head = RecordReader(bytes.extracting(0..<headByteCount), fileOffset: range.lowerBound, place: .qualityRules)
    let count = Int(head.uint32(0))
    guard count > 0, range.count == headByteCount + count * ModelFormat.qualityRuleByteCount else {
        throw .qualityRules(.byteCount, rule: nil, value: head.uint32(0))
    }
    try head.checkZero(4..<16)
    var found = QualityRules(rules: [], measuredOn: try head.text(16..<48), cases: Int(head.uint32(48)), refused: Int(head.uint32(52)))
    guard found.cases > 0, found.refused <= found.cases else { throw .qualityRules(.cases, rule: nil, value: head.uint32(52)) }
    try head.checkZero(56..<headByteCount)
    for index in 0..<count {
        let start = headByteCount + index * ModelFormat.qualityRuleByteCount
        let record = RecordReader(
            bytes.extracting(start..<(start + ModelFormat.qualityRuleByteCount)), fileOffset: range.lowerBound + start, place: .qualityRule(index))
        let rule = try readRule(record, index: index, channels: recipe.channels)
        // Criteria ascend, so there are never more rules than criteria.
        if let last = found.rules.last, rule.criterion.rawValue <= last.criterion.rawValue {
            throw .qualityRules(.order, rule: index, value: rule.criterion.rawValue)
        }
        found.rules.append(rule)
    }
    return found
}

private func readRule(_ record: borrowing RecordReader, index: Int, channels: Int) throws(ModelFileError) -> QualityRule {
    func fault(_ fault: ModelFileError.QualityFault, _ value: UInt32) -> ModelFileError { .qualityRules(fault, rule: index, value: value) }
    guard let criterion = QualityCriterion(rawValue: record.uint32(0)) else { throw fault(.criterion, record.uint32(0)) }
    let isForChannels =
        switch criterion {
        case .mostColour: channels == 1
        case .leastColour: channels == 3
        default: true
        }
    guard isForChannels else { throw fault(.channels, UInt32(channels)) }
    let threshold = record.float(4)
    guard threshold >= 0, threshold <= criterion.limit else { throw fault(.threshold, record.uint32(4)) }
    let (cases, refused) = (record.uint32(8), record.uint32(12))
    guard refused <= cases, cases > 0 || !criterion.isMeasured else { throw fault(.cases, refused) }
    var text = ""
    if criterion == .viewPosition { text = try record.text(16..<64) } else { try record.checkZero(16..<64) }
    return QualityRule(criterion: criterion, threshold: threshold, text: text, cases: Int(cases), refused: Int(refused))
}
