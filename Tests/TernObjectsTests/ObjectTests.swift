import TernBytes
import TernDICOM
import TernFindings
import TernImage
import Testing

@testable import TernObjects

/// A data set of group 0008 on, as a bare one is read.
func source(_ set: String? = nil, name: [UInt8] = Array("Doe^Jane".utf8), without missing: UInt32 = 0) throws(DICOMError) -> SourceInstance {
    var image = DataSetBuilder()
    func add(_ tag: UInt32, _ representation: Representation, _ value: String) {
        if tag != missing { image.add(tag, representation, value) }
    }
    if let set { add(Tag.characterSet, .codeString, set) }
    add(Tag.classUID, .uniqueIdentifier, "1.2.840.10008.5.1.4.1.1.1.1")
    add(Tag.instanceUID, .uniqueIdentifier, "1.2.3.4")
    add(0x0008_0020, .date, "20260102")
    add(0x0008_0030, .time, "030405.6")
    add(Tag.modality, .codeString, "DX")
    image.add(0x0010_0010, .personName, name)
    add(0x0010_0020, .longString, "4711")
    add(Tag.studyUID, .uniqueIdentifier, "1.2.3")
    add(Tag.seriesUID, .uniqueIdentifier, "1.2.3.1")
    add(Tag.instanceNumber, .integerString, "7")
    return try SourceInstance(parsing: image.bytes.rawBytes)
}

func result(score: Float = 0.75, threshold: Float? = 0.5) -> FindingResult {
    let model = ModelReference(name: "chest", version: "2", digest: String(repeating: "ab", count: 32), keyIdentifier: nil)
    var result = FindingResult(
        sequence: 1, id: "a", time: "2026-01-02T03:04:05Z", model: model, input: InputReference(kind: .dicom, sha256: String(repeating: "cd", count: 32)),
        status: .succeeded)
    var finding = Finding(
        label: "pneumonia", code: CodedTerm(scheme: "SCT", value: "233604007", meaning: "Pneumonia"), score: score, isCalibrated: true,
        operatingPoint: "screening", threshold: threshold)
    finding.location = FindingLocation(
        method: .patchShares, regions: [FindingRegion(box: PixelRectangle(x: 10, y: 20, width: 30, height: 40), share: 0.5, side: .right)])
    result.findings = [finding]
    return result
}

func context(_ result: FindingResult, _ source: SourceInstance) -> ObjectContext {
    var model = ReportModel(reference: result.model)
    model.region = BodyRegion(key: "chest", code: CodedTerm(scheme: "SCT", value: "816094009", meaning: "Chest"))
    return ObjectContext(result: result, model: model, source: source, softwareVersion: "0.1.0")
}

func contains(_ bytes: [UInt8], _ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return bytes.indices.contains { bytes[$0...].starts(with: wanted) }
}

@Test func writesTheSameBytesForTheSameContent() throws {
    let first = context(result(), try source()).structuredReport()
    var again = result()
    (again.sequence, again.id, again.time) = (9, "b", "2027-01-01T00:00:00Z")
    again.timing.totalMicroseconds = 5
    #expect(context(again, try source()).structuredReport() == first)
    let other = context(result(score: 0.76), try source()).structuredReport()
    #expect(other.instanceUID != first.instanceUID)
}

@Test func copiesThePatient() throws {
    let report = context(result(), try source()).structuredReport().bytes
    #expect(contains(report, "Doe^Jane") && contains(report, "4711") && contains(report, "1.2.3.4") && contains(report, "ISO_IR 192"))
    let latin = context(result(), try source("ISO_IR 100", name: [0x4A, 0xF6, 0x72, 0x67])).structuredReport().bytes
    #expect(contains(latin, "ISO_IR 100") && !contains(latin, "ISO_IR 192"))
    // Bytes of an unnamed set are no UTF-8 of ours.
    #expect(!contains(context(result(), try source(name: [0xF6])).structuredReport().bytes, "ISO_IR"))
}

@Test(arguments: [Tag.studyUID, Tag.seriesUID, Tag.instanceUID, Tag.classUID])
func refusesAnImageThatDoesNotSayWhatItIs(_ tag: UInt32) throws {
    #expect(throws: DICOMError.missingElement(tag: DICOMTag(UInt16(tag >> 16), UInt16(tag & 0xFFFF)))) { try source(without: tag) }
}

/// Absent, present, undetermined, a human must decide, a Finding, its certainty, a region.
@Test(arguments: [
    (0.1, 0.5, [true, false, false, false, false, false, false]), (0.9, 0.5, [false, true, false, false, true, true, true]),
    (0.48, 0.5, [false, false, true, true, false, false, false]), (0.9, nil, [false, false, true, true, false, false, true]),
] as [(Float, Float?, [Bool])])
func saysFoundOrAbsentOnlyWhereTheModelDecides(_ score: Float, _ threshold: Float?, _ expected: [Bool]) throws {
    #expect(said(result(score: score, threshold: threshold), try source()) == expected)
}

@Test(arguments: [0.1, 0.9] as [Float], [true, false])
func saysNeitherOfAnUnlikeImageNorOfAnUnconfirmedModel(_ score: Float, _ isConfirmed: Bool) throws {
    var undecided = result(score: score)
    undecided.findings[0].isConfirmed = isConfirmed
    undecided.findings[0].isOutOfDistribution = isConfirmed
    #expect(said(undecided, try source()) == [false, false, true, true, false, false, true])
}

private func said(_ result: FindingResult, _ source: SourceInstance) -> [Bool] {
    let report = context(result, source).structuredReport().bytes
    return ["272519000", "52101004", "373068000", "NEEDS-HUMAN", "121071", "111012", "111030"].map { contains(report, $0) }
}

@Test func aFailureHasItsReasonAndNoFinding() throws {
    var failed = result()
    (failed.status, failed.findings) = (.failed, [])
    failed.reason = CodedTerm(scheme: "99TERN", value: "BLURRED", meaning: "The image is blurred")
    let report = context(failed, try source()).structuredReport().bytes
    #expect(contains(report, "PARTIAL") && contains(report, "111224") && contains(report, "BLURRED") && contains(report, "NOT-ANALYSED"))
    #expect(!contains(report, "125007") && !contains(report, "126010"))
}

@Test func uncalibratedScoresAreNoCertainty() throws {
    var plain = result()
    plain.findings[0].isCalibrated = false
    #expect(contains(context(result(), try source()).structuredReport().bytes, "111012"))
    #expect(!contains(context(plain, try source()).structuredReport().bytes, "111012"))
}

/// Enlarged to the width of its words a column would have more rows than an object can have.
@Test(arguments: [(1, 1024), (8, 1024), (1, 1), (1024, 1)])
func capturesOfPicturesOfAnyShapeStaySmall(_ width: Int, _ height: Int) throws {
    let picture = ShownImage(width: width, height: height, channels: 1, samples: [UInt8](repeating: 200, count: width * height))
    let capture = context(result(), try source()).secondaryCapture(CapturedPicture(picture: picture, frame: nil, mappedLabel: nil)).bytes
    #expect(capture.count < 4096 * 1024 * 3)
}
