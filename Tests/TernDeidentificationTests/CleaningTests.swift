import TernImage
import Testing

@testable import TernDeidentification

struct CleaningTests {
    @Test func complementCoversWhatRegionsLeave() {
        let regions = [PixelRectangle(x: 2, y: 1, width: 3, height: 4), PixelRectangle(x: 4, y: 3, width: 4, height: 5)]
        let rest = complement(of: regions, width: 10, height: 9)
        for y in 0..<9 {
            for x in 0..<10 {
                let pixel = PixelRectangle(x: x, y: y, width: 1, height: 1)
                let inside = regions.contains { $0.contains(pixel) }
                #expect(rest.filter { $0.contains(pixel) }.count == (inside ? 0 : 1), "\(x) \(y)")
            }
        }
        #expect(complement(of: [], width: 10, height: 9).isEmpty)
    }

    @Test func rectanglesAreClipped() {
        #expect(PixelRectangle(x: 5, y: 5, width: Int.max, height: 2).clipped(width: 8, height: 6) == PixelRectangle(x: 5, y: 5, width: 3, height: 1))
        #expect(PixelRectangle(x: 8, y: 0, width: 1, height: 1).clipped(width: 8, height: 6) == nil)
    }

    @Test func fillsEachLayout() {
        for (samples, bits, isPlanar, photometric) in [
            (1, 8, false, "MONOCHROME2"), (1, 16, false, "MONOCHROME1"), (1, 32, false, "MONOCHROME2"), (3, 8, false, "RGB"), (3, 16, true, "RGB"),
            (3, 8, false, "YBR_FULL_422"),
        ] {
            let count = photometric == "YBR_FULL_422" ? 4 * 2 * 2 : 4 * 2 * samples * bits / 8
            var pixels = NativePixels(
                bytes: (0..<(2 * count)).map { UInt8(10 + $0) }, width: 4, height: 2, frameCount: 2, samplesPerPixel: samples, bitsAllocated: bits, bitsStored: bits,
                isSigned: false, isPlanar: isPlanar, photometricInterpretation: photometric)
            let before = pixels
            pixels.fill([PixelRectangle(x: 0, y: 0, width: 2, height: 2)])
            let changed = zip(pixels.bytes, before.bytes).filter { $0 != $1 }.count
            #expect(pixels.bytes.count == before.bytes.count && changed > 0)
            // Half of every frame at most; the smallest value of the image may already stand there.
            #expect(changed <= before.bytes.count / 2, "\(photometric)")
            #expect(pixels.planes(frame: 1).allSatisfy { $0.count == 8 })
        }
    }

    @Test func oneBrightPixelHidesNothing() {
        // Letters of 100 on 0, one pixel of 65,535.
        var bytes = [UInt8](repeating: 0, count: 2 * 64 * 64)
        for pixel in stride(from: 100, to: 3_000, by: 3) { bytes[2 * pixel] = 100 }
        (bytes[8_000], bytes[8_001]) = (255, 255)
        let pixels = NativePixels(
            bytes: bytes, width: 64, height: 64, frameCount: 1, samplesPerPixel: 1, bitsAllocated: 16, bitsStored: 16, isSigned: false, isPlanar: false,
            photometricInterpretation: "MONOCHROME2")
        #expect(pixels.planes(frame: 0).contains { $0[100] > 200 && $0[101] == 0 })
        #expect(pixels.planes(frame: 0, window: 0...200).contains { $0[100] == 127 })
    }

    @Test func lettersHaveFewColours() {
        let picture = { (colour: (Int) -> [UInt8]) in
            NativePixels(
                bytes: (0..<400).flatMap { $0 % 3 == 0 ? [0, 0, 0] : colour($0) }, width: 20, height: 20, frameCount: 1, samplesPerPixel: 3, bitsAllocated: 8,
                bitsStored: 8, isSigned: false, isPlanar: false, photometricInterpretation: "RGB")
        }
        let all = PixelRectangle(x: 0, y: 0, width: 20, height: 20)
        #expect(!picture { _ in [255, 255, 255] }.isManyColoured(frame: 0, all))
        #expect(!picture { _ in [250, 240, 10] }.isManyColoured(frame: 0, all))
        #expect(!picture { $0 % 2 == 0 ? [255, 255, 255] : [0, 230, 0] }.isManyColoured(frame: 0, all))
        // From red over orange to yellow, and from blue to cyan.
        #expect(picture { $0 % 2 == 0 ? [255, UInt8($0 * 255 / 400), 0] : [0, UInt8($0 * 255 / 400), 255] }.isManyColoured(frame: 0, all))
    }

    @Test func refusesDamagedRules() {
        for text in ["", "{}", "{\"rules\": [{\"rectangles\": [[0, 0, 0, 1]]}]}", "{\"rules\": [{\"rectangles\": [[-1, 0, 1, 1]]}]}"] {
            #expect(throws: CleaningRulesError.self) { try CleaningRules(parsing: Array(text.utf8)) }
        }
        #expect(CleaningRules.builtIn.rules.count == 1)
    }
}
