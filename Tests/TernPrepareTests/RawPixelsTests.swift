import Testing
import TernBytes
import TernImage
import TernModel

@testable import TernPrepare

/// Rows of samples with `padding` bytes of something else behind each.
private func memory(_ rows: [[UInt8]], padding: Int) -> [UInt8] { rows.flatMap { $0 + [UInt8](repeating: 0xAA, count: padding) } }

private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}

private func recipe(_ channels: Int, _ crop: InputRecipe.Crop, _ filter: InputRecipe.Filter) -> InputRecipe {
    InputRecipe(
        modality: "", channels: channels, height: 16, width: 24, crop: crop, filter: filter, intensity: .fileWindow, scale: [0.5, 0.25, 2], offset: [1, 2, 3])
}

@Test(arguments: [(RawPixels.Format.grey8, 0), (.grey8, 5), (.grey16, 0), (.grey16, 6), (.grey16, 3), (.rgb8, 0), (.rgb8, 1)])
func preparesForeignPixelsAsItsOwn(format: RawPixels.Format, padding: Int) throws {
    for (width, height) in [(40, 31), (9, 70), (1, 1), (24, 16)] {
        for bits in format == .grey16 ? [16, 12, 1] : [8] {
            let row = width * format.pixelByteCount
            let rows = (0..<height).map { bytes(row, seed: UInt64($0 * 7 + bits)) }
            let pixels = try RawPixels(format: format, width: width, height: height, byteStride: row + padding, bitsStored: bits)
            // The last row has no padding behind it.
            let held = Array(memory(rows, padding: padding).prefix(pixels.byteCount))
            let flat = rows.flatMap { $0 }
            let samples: DecodedImage.Samples =
                format == .grey16 ? .uint16((0..<flat.count / 2).map { UInt16(flat[2 * $0]) | UInt16(flat[2 * $0 + 1]) << 8 }) : .uint8(flat)
            let image = DecodedImage(width: width, height: height, channels: pixels.channels, bitsStored: bits, samples: samples, greyscale: nil)
            for channels in [1, 3] {
                for (crop, filter) in [(InputRecipe.Crop.stretch, InputRecipe.Filter.bicubic), (.centreSquare, .bilinear)] {
                    let recipe = recipe(channels, crop, filter)
                    #expect(try prepare(pixels, in: held.rawBytes, recipe: recipe) == prepare(image, recipe: recipe))
                }
            }
            #expect(greyPlane(of: pixels, in: held.rawBytes, longestSide: 12) == greyPlane(of: image, longestSide: 12))
        }
    }
}

@Test func refusesAWindowForForeignPixels() throws {
    let pixels = try RawPixels(format: .grey8, width: 2, height: 2, byteStride: 2)
    var windowed = recipe(1, .stretch, .bilinear)
    windowed.intensity = .window(centre: 40, width: 400)
    let held: [UInt8] = [1, 2, 3, 4]
    #expect(throws: PrepareError.noRescaledValues) { _ = try prepare(pixels, in: held.rawBytes, recipe: windowed) }
}
