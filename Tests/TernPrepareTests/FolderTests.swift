import Foundation
import TernBytes
import TernDICOM
import TernImage
import TernJPEG
import TernPrepare
import Testing

/// Decodes every frame of every file of the folder TERN_DICOM_FOLDER and writes stored samples and outcomes to TERN_DICOM_RESULTS, for
/// Tools/vectors/compare_pydicom, which runs this test and compares them with pydicom.
@Test(.enabled(if: ProcessInfo.processInfo.environment["TERN_DICOM_FOLDER"] != nil, "run by Tools/vectors/compare_pydicom"))
func decodesTheFilesOfAFolder() throws {
    let environment = ProcessInfo.processInfo.environment
    let folder = URL(filePath: try #require(environment["TERN_DICOM_FOLDER"]))
    let results = URL(filePath: try #require(environment["TERN_DICOM_RESULTS"]))
    var lines: [String] = []
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    for name in names {
        guard let data = try? Data(contentsOf: folder.appending(path: name)) else { continue }
        let bytes = [UInt8](data)
        guard let kind = ImageKind(recognising: bytes.rawBytes), kind == .dicom else {
            lines.append("\(name)\tunrecognised")
            continue
        }
        do throws(PrepareError) {
            let (image, raw) = try decodeAllFrames(bytes)
            let file = "\(lines.count).raw"
            try? raw.write(to: results.appending(path: file))
            let grey = image.greyscale.map { "\($0.slope) \($0.intercept) \($0.window?.centre ?? 0) \($0.window?.width ?? 0)" } ?? ""
            lines.append("\(name)\tdecoded\t\(file)\t\(image.samples.typeName)\t\(image.height)\t\(image.width)\t\(image.channels)\t\(grey)")
        } catch {
            lines.append("\(name)\trefused\t\(error.reason.value)\t\(error.message)")
        }
    }
    try lines.joined(separator: "\n").write(to: results.appending(path: "index.tsv"), atomically: true, encoding: .utf8)
}

/// The last frame, and the samples of all of them, little endian.
private func decodeAllFrames(_ bytes: [UInt8]) throws(PrepareError) -> (DecodedImage, Data) {
    let file: DICOMFile
    do throws(DICOMError) { file = try DICOMFile(parsing: bytes.rawBytes) } catch { throw .dicom(error) }
    var raw = Data()
    var last: DecodedImage?
    for index in 0..<file.frameCount {
        let image: DecodedImage
        let frame: DICOMFrame
        do throws(DICOMError) { frame = try file.frame(index, of: bytes.rawBytes) } catch { throw .dicom(error) }
        switch frame {
        case .native(let decoded): image = decoded
        case .encapsulated(let encapsulated):
            let decoded = try decode(encapsulated)
            do throws(DICOMError) { image = try file.image(from: decoded, frame: index) } catch { throw .dicom(error) }
        }
        raw.append(image.samples.littleEndian)
        last = image
    }
    guard let last else { throw .dicom(.noPixelData) }
    return (last, raw)
}

private func decode(_ frame: EncapsulatedFrame) throws(PrepareError) -> DecodedImage {
    guard frame.codec == .jpeg else { throw .dicom(.unsupportedTransferSyntax(frame.transferSyntax)) }
    do throws(JPEGError) {
        return try JPEGDecoder.decode(
            frame.bytes.rawBytes, orientation: .ignore, colour: frame.colour == .redGreenBlue ? .redGreenBlueUnlessMarked : .fromMarkers)
    } catch {
        throw .jpeg(error)
    }
}

extension DecodedImage.Samples {
    /// The name of the type in numpy.
    fileprivate var typeName: String {
        switch self {
        case .uint8: "<u1"
        case .uint16: "<u2"
        case .int16: "<i2"
        case .uint32: "<u4"
        case .int32: "<i4"
        case .real: "<f4"
        }
    }

    fileprivate var littleEndian: Data {
        func data<Value: BitwiseCopyable>(_ values: [Value]) -> Data { unsafe values.withUnsafeBytes { unsafe Data($0) } }
        return switch self {
        case .uint8(let values): data(values)
        case .uint16(let values): data(values)
        case .int16(let values): data(values)
        case .uint32(let values): data(values)
        case .int32(let values): data(values)
        case .real(let values): data(values)
        }
    }
}
