import ArgumentParser
import Foundation
import TernImage
import TernModel
import TernPrepare

/// The samples of one frame as bytes: row by row, channels interleaved, little endian.
struct FrameSamples {
    /// How far the samples have come.
    enum Stage: String, CaseIterable, ExpressibleByArgument { case stored, rescaled, shown }

    /// NumPy's name of the type.
    let type: String
    let bytes: [UInt8]

    /// - Throws: what preparing the values that are shown throws.
    init(of image: DecodedImage, _ stage: Stage) throws(PrepareError) {
        if stage == .shown {
            // The way of every model input, with a size that leaves the pixels alone.
            let recipe = InputRecipe(
                modality: "", channels: image.channels, height: image.height, width: image.width, crop: .stretch, filter: .box, intensity: .fileWindow,
                scale: [1, 1, 1], offset: [0, 0, 0])
            let planes = try prepare(image, recipe: recipe).values
            let pixelCount = image.width * image.height
            var values: [Float] = []
            values.reserveCapacity(planes.count)
            for pixel in 0..<pixelCount {
                for channel in 0..<image.channels { values.append(planes[channel * pixelCount + pixel]) }
            }
            (type, bytes) = ("<f4", littleEndian(values) { $0.bitPattern })
            return
        }
        if stage == .rescaled, let grey = image.greyscale {
            (type, bytes) = ("<f4", littleEndian(grey.rescaled(image.samples)) { $0.bitPattern })
            return
        }
        switch image.samples {
        case .uint8(let values): (type, bytes) = ("|u1", values)
        case .uint16(let values): (type, bytes) = ("<u2", littleEndian(values) { $0 })
        case .int16(let values): (type, bytes) = ("<i2", littleEndian(values) { UInt16(bitPattern: $0) })
        case .uint32(let values): (type, bytes) = ("<u4", littleEndian(values) { $0 })
        case .int32(let values): (type, bytes) = ("<i4", littleEndian(values) { UInt32(bitPattern: $0) })
        case .real(let values): (type, bytes) = ("<f4", littleEndian(values) { $0.bitPattern })
        }
    }
}

extension DecodedImage.Greyscale {
    /// The binary32 nearest to each rescaled value.
    fileprivate func rescaled(_ samples: DecodedImage.Samples) -> [Float] {
        func rescaled(_ stored: Double) -> Float {
            guard let table = modalityTable else { return Float(stored * slope + intercept) }
            let index = min(max(Int(stored) - table.firstInput, 0), table.entries.count - 1)
            return Float(table.entries[index])
        }
        return switch samples {
        case .uint8(let values): values.map { rescaled(Double($0)) }
        case .uint16(let values): values.map { rescaled(Double($0)) }
        case .int16(let values): values.map { rescaled(Double($0)) }
        case .uint32(let values): values.map { rescaled(Double($0)) }
        case .int32(let values): values.map { rescaled(Double($0)) }
        case .real(let values): values
        }
    }
}

private func littleEndian<Value, Word: FixedWidthInteger>(_ values: [Value], _ word: (Value) -> Word) -> [UInt8] {
    let byteCount = Word.bitWidth / 8
    var bytes = [UInt8](repeating: 0, count: values.count * byteCount)
    for (index, value) in values.enumerated() {
        let word = word(value)
        for byte in 0..<byteCount { bytes[index * byteCount + byte] = UInt8(truncatingIfNeeded: word >> Word(8 * byte)) }
    }
    return bytes
}

/// A .npy file that is written frame by frame.
final class NumpyFile {
    private let handle: FileHandle
    private let path: String

    /// Writes the header for frames like `image`.
    ///
    /// - Source: NumPy's format description NEP 1, version 1.0.
    init(_ path: String, frames: Int, of image: DecodedImage, type: String) throws(Failure) {
        self.path = path
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path) else {
            throw Failure(.inputOutput, "cannot write \(path); check that the folder exists and has room")
        }
        self.handle = handle
        let shape = "\(frames), \(image.height), \(image.width)" + (image.channels == 1 ? "" : ", \(image.channels)")
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
        // Magic, version and count take 10 bytes; data begin at a multiple of 64.
        header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
        try append([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)] + Array(header.utf8))
    }

    func append(_ bytes: [UInt8]) throws(Failure) {
        do { try handle.write(contentsOf: Data(bytes)) } catch {
            throw Failure(.inputOutput, "cannot write \(path); check that the folder has room")
        }
    }
}
