import TernBytes
import TernDICOM
import TernImage
import TernImageTesting
import Testing

private func file(_ name: String) throws -> DICOMFile {
    let bytes = try ImageVectors("TernDICOM").bytes(name)
    return try DICOMFile(parsing: bytes.rawBytes)
}

@Test func readsWhatAFileSaysOfItsPicture() throws {
    let file = try file("attributes.dcm")
    #expect(file.seriesInstanceUID?.description == "1.2.3.4")
    #expect(file.sopClassUID?.description == "1.2.840.10008.5.1.4.1.1.1.1")
    #expect(file.transferSyntax?.description == "1.2.840.10008.1.2.1")
    var expected = ImageAttributes()
    expected.photometricInterpretation = "MONOCHROME2"
    expected.imagerPixelSpacing = ImageAttributes.Spacing(row: 0.139, column: 0.148)
    expected.pixelSpacing = ImageAttributes.Spacing(row: 0.1, column: 0.2)
    expected.pixelAspectRatio = ImageAttributes.AspectRatio(vertical: 4, horizontal: 3)
    expected.laterality = "R"
    expected.rowDirection = .left
    expected.columnDirection = .foot
    expected.viewPosition = "AP"
    expected.seriesInstanceUID = "1.2.3.4"
    expected.hasBurnedInAnnotation = false
    expected.isLossyCompressed = true
    #expect(file.attributes == expected)
    let position = try #require(file.geometry(ofFrame: 0))
    #expect(position.origin == PatientVector(x: 1, y: -2, z: 3.5))
    #expect(position.normal == PatientVector(x: -1, y: 0, z: 0))
    #expect(position.pixelSpacing == expected.pixelSpacing)
    #expect(file.milliseconds(toFrame: 0) == nil)
}

@Test func readsTheTimesOfFrames() throws {
    let even = try file("frame_time.dcm")
    #expect(even.attributes.frameTimeMilliseconds == 33.25)
    #expect(even.milliseconds(toFrame: 2) == 66.5)
    #expect(even.attributes.laterality == "L" && even.attributes.hasBurnedInAnnotation == true)
    let uneven = try file("frame_times.dcm")
    #expect(uneven.attributes.frameTimeMilliseconds == nil)
    #expect((0..<3).map { uneven.milliseconds(toFrame: $0) } == [0, 20, 50.5])
    // One value a frame, none of them negative: else the file does not say.
    for name in ["short", "long", "negative"] {
        let silent = try file("frame_times_\(name).dcm")
        #expect(silent.attributes.frameTimeMilliseconds == nil && silent.milliseconds(toFrame: 2) == nil, "\(name)")
    }
}

@Test func carriesNoTextThatIsNoCode() throws {
    #expect(try file("frame_time.dcm").attributes.viewPosition == nil)
    #expect(try file("frame_times.dcm").attributes.laterality == nil)
    let anonymous = try file("lenient_identifier.dcm")
    #expect(anonymous.sopClassUID == nil)
    #expect(anonymous.sopInstanceUID != nil)
}

@Test func readsViewsGivenByCode() throws {
    #expect(try file("view_code.dcm").attributes.viewPosition == "CC")
    #expect(try file("view_code_former.dcm").attributes.viewPosition == "PA")
    #expect(try file("view_code_local.dcm").attributes.viewPosition == nil)
    #expect(try file("view_code_beside_position.dcm").attributes.viewPosition == "PA")
}

@Test func readsTheLateralityOfFrames() throws {
    #expect(try file("frame_laterality_shared.dcm").attributes.laterality == "R")
    #expect(try file("frame_laterality_each.dcm").attributes.laterality == "L")
    #expect(try file("frame_laterality_both.dcm").attributes.laterality == nil)
}

@Test func tellsLossyCompressionByTheTransferSyntax() throws {
    #expect(try file("jpeg_grey.dcm").attributes.isLossyCompressed)
    #expect(try !file("rle_int16.dcm").attributes.isLossyCompressed)
}

@Test func readsFunctionalGroupsOfEachFrame() throws {
    let file = try file("functional_groups_implicit.dcm")
    for index in 0..<3 {
        let position = try #require(file.geometry(ofFrame: index))
        #expect(position.origin == PatientVector(x: -10, y: 5 * Double(index), z: 2.2204460492503131e-16))
        #expect(position.normal == PatientVector(x: 0, y: 1, z: 0))
        #expect(position.pixelSpacing == ImageAttributes.Spacing(row: 0.5, column: 0.25))
    }
    #expect(file.attributes.pixelSpacing == ImageAttributes.Spacing(row: 0.5, column: 0.25))
    #expect(file.geometry(ofFrame: 3)?.origin == nil)
}

@Test func refusesAFrameThatIsNotThere() throws {
    let bytes = try ImageVectors("TernDICOM").bytes("frames_int16.dcm")
    let file = try DICOMFile(parsing: bytes.rawBytes)
    #expect(file.frameCount == 2)
    for index in [-1, 2] {
        #expect(throws: DICOMError.noSuchFrame(index, count: 2)) { try file.frame(index, of: bytes.rawBytes) }
    }
    // Bytes that are not those of the file: no trap.
    #expect(throws: DICOMError.self) { try file.frame(1, of: [UInt8](bytes.dropLast(30)).rawBytes) }
}

@Test func isStrictWhereAsked() throws {
    let vectors = try ImageVectors("TernDICOM")
    for (name, error) in [
        ("lenient_odd_length.dcm", "oddByteCount"), ("lenient_unknown_short.dcm", "unknownValueRepresentation"),
        ("lenient_no_representation.dcm", "unknownValueRepresentation"), ("lenient_padding.dcm", "pixelDataByteCount"),
        ("lenient_implicit_in_explicit.dcm", "unknownValueRepresentation"),
    ] {
        let bytes = try vectors.bytes(name)
        let found = #expect(throws: DICOMError.self, "\(name)") { try DICOMFile(parsing: bytes.rawBytes, strictness: .strict) }
        #expect(found.map { caseName($0) } == error, "\(name)")
    }
}
