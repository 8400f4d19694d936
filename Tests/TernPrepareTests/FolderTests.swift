import Foundation
import TernBytes
import TernImage
import TernPrepare
import Testing

/// Decodes every file of the folder TERN_DICOM_FOLDER and writes stored samples and outcomes to TERN_DICOM_RESULTS, for
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
            let image = try decodeImage(bytes.rawBytes, as: .dicom).image
            let file = "\(lines.count).raw"
            let (type, raw): (String, [UInt8]) =
                switch image.samples {
                case .uint8(let samples): ("<u1", samples)
                case .uint16(let samples): ("<u2", samples.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
                case .int16(let samples): ("<i2", samples.map { UInt16(bitPattern: $0) }.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
                default: ("", [])
                }
            try? Data(raw).write(to: results.appending(path: file))
            let grey = image.greyscale.map { "\($0.slope) \($0.intercept) \($0.window?.centre ?? 0) \($0.window?.width ?? 0)" } ?? ""
            lines.append("\(name)\tdecoded\t\(file)\t\(type)\t\(image.height)\t\(image.width)\t\(image.channels)\t\(grey)")
        } catch {
            lines.append("\(name)\trefused\t\(error.reason.value)\t\(error.message)")
        }
    }
    try lines.joined(separator: "\n").write(to: results.appending(path: "index.tsv"), atomically: true, encoding: .utf8)
}
