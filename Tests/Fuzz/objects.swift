// fuzz-targets: TernObjects
// fuzz-options: -max_len=8192 -malloc_limit_mb=64
// fuzz-seeds: Tests/Vectors/TernDICOM
import Glibc
import TernBytes
import TernDICOM
import TernFindings
import TernImage
@testable import TernObjects

/// Any image that says what it is becomes objects that are well-formed data sets, the same ones each time; texts of a result cannot break them.
///
/// The first byte says how many bytes at the end are the texts of label and reason; the rest is the image.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = bytes.first else { return 0 }
    let textCount = min(Int(first), bytes.count - 1)
    let image = Array(bytes[1..<(bytes.count - textCount)])
    do throws(DICOMError) {
        let source = try SourceInstance(parsing: image.rawBytes)
        let text = String(decoding: bytes.suffix(textCount), as: UTF8.self)
        let context = ObjectContext(result: result(text), model: ReportModel(reference: result(text).model), source: source, softwareVersion: text)
        let report = context.structuredReport()
        precondition(report == context.structuredReport())
        let picture = ShownImage(width: 2, height: 1, channels: 1, samples: [0, 255])
        check(report)
        check(context.secondaryCapture(CapturedPicture(picture: picture, frame: nil, mappedLabel: text)))
    } catch {
        return 0
    }
    return 0
}

private func result(_ text: String) -> FindingResult {
    let model = ModelReference(name: text, version: text, digest: "00", keyIdentifier: nil)
    var result = FindingResult(
        sequence: 1, id: text, time: text, model: model, input: InputReference(kind: .dicom, sha256: text), status: .partiallySucceeded,
        reason: CodedTerm(scheme: text, value: text, meaning: text))
    var finding = Finding(label: text, code: nil, score: 0.5, isCalibrated: true, operatingPoint: text, threshold: nil)
    finding.location = FindingLocation(
        method: .tokenRelevance, regions: [FindingRegion(box: PixelRectangle(x: 0, y: 0, width: .max >> 1, height: 1), share: .nan)])
    result.findings = [finding]
    return result
}

/// Strictly read, every element of the top level comes after the one before, and every value has an even length.
private func check(_ object: ObjectFile) {
    precondition(object.instanceUID.utf8.count <= 44)
    var walker = DataSetWalker(object.bytes.rawBytes, encoding: .explicitLittleEndian, offset: 132, strictness: .strict)
    var last: UInt32 = 0
    do throws(DICOMError) {
        while let event = try walker.next() {
            switch event {
            case .element(let element) where walker.depth == 0: last = after(last, element)
            case .sequenceStart(let element) where walker.depth == 1: last = after(last, element)
            default: break
            }
        }
    } catch {
        fatalError("not a data set: \(error)")
    }
}

private func after(_ last: UInt32, _ element: DataElement) -> UInt32 {
    let number = UInt32(element.tag.group) << 16 | UInt32(element.tag.element)
    precondition(number > last, "elements ascend")
    return number
}

/// Seeds that have what an image needs; the vectors of TernDICOM have not.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    guard let folder = getenv("TERN_FUZZ_SEEDS") else { return 0 }
    for (index, set) in ["", "ISO_IR 192", "ISO_IR 100"].enumerated() {
        var image = DataSetBuilder()
        if !set.isEmpty { image.add(Tag.characterSet, .codeString, set) }
        image.add(Tag.classUID, .uniqueIdentifier, "1.2.840.10008.5.1.4.1.1.7")
        image.add(Tag.instanceUID, .uniqueIdentifier, "1.2.3.4")
        image.add(0x0008_0020, .date, "20260102")
        image.add(Tag.modality, .codeString, "DX")
        image.add(0x0010_0010, .personName, "Doe^Jane")
        image.add(Tag.studyUID, .uniqueIdentifier, "1.2.3")
        image.add(Tag.seriesUID, .uniqueIdentifier, "1.2.3.1")
        let seed = [9] + image.bytes + Array("pneumonia".utf8)
        guard let file = fopen(String(cString: folder) + "/patient\(index)", "w") else { return 0 }
        fwrite(seed, 1, seed.count, file)
        fclose(file)
    }
    return 0
}
