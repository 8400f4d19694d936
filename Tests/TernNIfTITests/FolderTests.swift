import Foundation
import TernBytes
import TernImage
import TernNIfTI
import Testing

/// Reads every volume of the folder TERN_NIFTI_FOLDER and writes samples and outcomes to TERN_NIFTI_RESULTS, for Tools/vectors/compare_nibabel,
/// which runs this test and compares them with nibabel.
@Test(.enabled(if: ProcessInfo.processInfo.environment["TERN_NIFTI_FOLDER"] != nil, "run by Tools/vectors/compare_nibabel"))
func readsTheVolumesOfAFolder() throws {
    let environment = ProcessInfo.processInfo.environment
    let folder = URL(filePath: try #require(environment["TERN_NIFTI_FOLDER"]))
    let results = URL(filePath: try #require(environment["TERN_NIFTI_RESULTS"]))
    var lines: [String] = []
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() where isVolume(name) {
        guard let data = try? Data(contentsOf: folder.appending(path: name)) else { continue }
        let bytes = [UInt8](data)
        do throws(NIfTIError) {
            let (file, samples) = try volume(bytes, image: image(of: name, folder))
            let raw = "\(lines.count).raw"
            var whole = Data()
            var outcome = "decoded"
            var type = ""
            do throws(NIfTIError) {
                for index in 0..<file.frameCount {
                    let frame = try file.frame(index, of: samples.rawBytes)
                    type = typeName(frame.samples)
                    append(frame.samples, to: &whole)
                }
            } catch {
                outcome = "refused"
                type = "\(error)"
            }
            if outcome == "decoded" { try? whole.write(to: results.appending(path: raw)) }
            let shape = "\(file.volumeCount)\t\(file.sliceCount)\t\(file.height)\t\(file.width)"
            lines.append(outcome == "decoded" ? "\(name)\tdecoded\t\(raw)\t\(type)\t\(shape)" : "\(name)\trefused\t\(type)")
        } catch {
            lines.append("\(name)\trefused\t\(error)")
        }
    }
    try lines.joined(separator: "\n").write(to: results.appending(path: "index.tsv"), atomically: true, encoding: .utf8)
}

private func isVolume(_ name: String) -> Bool { [".nii", ".nii.gz", ".hdr", ".hdr.gz"].contains { name.hasSuffix($0) } }

/// The bytes beside a header, nil for a single file.
private func image(of name: String, _ folder: URL) -> [UInt8]? {
    guard let range = name.range(of: ".hdr", options: .backwards) else { return nil }
    return (try? Data(contentsOf: folder.appending(path: name.replacingCharacters(in: range, with: ".img")))).map { [UInt8]($0) }
}

private func volume(_ bytes: [UInt8], image: [UInt8]?) throws(NIfTIError) -> (NIfTIFile, [UInt8]) {
    guard let image else { return (try NIfTIFile(parsing: bytes.rawBytes), bytes) }
    return (try NIfTIFile(pairHeader: bytes.rawBytes, data: image.rawBytes), image)
}

private func append(_ samples: DecodedImage.Samples, to data: inout Data) {
    func add<Sample: BitwiseCopyable>(_ values: [Sample]) { unsafe values.withUnsafeBytes { unsafe data.append(contentsOf: $0) } }
    switch samples {
    case .uint8(let values): add(values)
    case .uint16(let values): add(values)
    case .int16(let values): add(values)
    case .uint32(let values): add(values)
    case .int32(let values): add(values)
    case .real(let values): add(values)
    }
}
