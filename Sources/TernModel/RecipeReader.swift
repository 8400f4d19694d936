import TernBytes

/// Rule F-20.
func readRecipe(_ file: RawSpan, sections: SectionTable, header: ModelHeader) throws(ModelFileError) -> InputRecipe {
    let range = sections[.recipe]
    guard range.count == ModelFormat.recipeByteCount else {
        throw .sectionTable(.byteCount, record: 2, kind: SectionKind.recipe.rawValue)
    }
    let record = RecordReader(file.extracting(range), fileOffset: range.lowerBound, place: .recipe)
    let channels = Int(record.uint32(16))
    let (height, width) = (Int(record.uint32(20)), Int(record.uint32(24)))
    guard channels == 1 || channels == 3, channels == header.channels else { throw .recipe(.dimension, value: record.uint32(16)) }
    guard height >= 1, height <= ModelFormat.limitDimension, height == header.height else { throw .recipe(.dimension, value: record.uint32(20)) }
    guard width >= 1, width <= ModelFormat.limitDimension, width == header.width else { throw .recipe(.dimension, value: record.uint32(24)) }
    guard let crop = InputRecipe.Crop(rawValue: record.uint32(28)) else { throw .recipe(.crop, value: record.uint32(28)) }
    guard let filter = InputRecipe.Filter(rawValue: record.uint32(32)) else { throw .recipe(.filter, value: record.uint32(32)) }
    let intensity = try readIntensity(record)
    try record.checkZero((48 + 4 * channels)..<64)
    try record.checkZero((64 + 4 * channels)..<ModelFormat.recipeByteCount)
    return InputRecipe(
        modality: try record.text(0..<ModelFormat.modalityByteCount, mayBeEmpty: true), channels: channels, height: height, width: width,
        crop: crop, filter: filter, intensity: intensity, scale: try readFinite(record, at: 48, count: channels),
        offset: try readFinite(record, at: 64, count: channels))
}

private func readIntensity(_ record: borrowing RecordReader) throws(ModelFileError) -> InputRecipe.Intensity {
    switch record.uint32(36) {
    case 0:
        try record.checkZero(40..<48)
        return .fileWindow
    case 1:
        let (centre, width) = (record.float(40), record.float(44))
        guard centre.isFinite, width.isFinite, width > 0 else { throw .recipe(.window, value: record.uint32(44)) }
        return .window(centre: centre, width: width)
    default:
        throw .recipe(.intensity, value: record.uint32(36))
    }
}

private func readFinite(_ record: borrowing RecordReader, at offset: Int, count: Int) throws(ModelFileError) -> [Float] {
    var values: [Float] = []
    for index in 0..<count {
        let value = record.float(offset + 4 * index)
        guard value.isFinite else { throw .recipe(.scale, value: value.bitPattern) }
        values.append(value)
    }
    return values
}
