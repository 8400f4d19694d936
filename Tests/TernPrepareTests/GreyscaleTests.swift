import Foundation
import TernDICOM
import TernImage
import TernImageTesting
import TernModel
import Testing

@testable import TernPrepare

private struct GreyscaleCase: Decodable {
    struct Table: Decodable {
        var firstInput: Int, bits: Int, count: Int, offset: Int
        func lookupTable(_ store: [UInt8]) -> DecodedImage.LookupTable {
            DecodedImage.LookupTable(
                firstInput: firstInput, bits: bits,
                entries: (0..<count).map { UInt16(store[offset + 2 * $0]) | UInt16(store[offset + 2 * $0 + 1]) << 8 })
        }
    }
    var height: Int, width: Int, type: String, bitsStored: Int, slope: Double, intercept: Double, modality: Table?, voi: Table?, window: [Double]?
    var function: String, isInverted: Bool, offset: Int

    func samples(_ store: [UInt8]) -> (DecodedImage.Samples, byteCount: Int) {
        let count = height * width
        func word(_ index: Int, _ byteCount: Int) -> UInt32 {
            (0..<byteCount).reduce(UInt32(0)) { $0 | UInt32(store[offset + index * byteCount + $1]) << UInt32(8 * $1) }
        }
        switch type {
        case "uint8": return (.uint8((0..<count).map { UInt8(word($0, 1)) }), count)
        case "uint16": return (.uint16((0..<count).map { UInt16(word($0, 2)) }), 2 * count)
        case "int16": return (.int16((0..<count).map { Int16(bitPattern: UInt16(word($0, 2))) }), 2 * count)
        case "uint32": return (.uint32((0..<count).map { word($0, 4) }), 4 * count)
        case "int32": return (.int32((0..<count).map { Int32(bitPattern: word($0, 4)) }), 4 * count)
        default: return (.real((0..<count).map { Float(bitPattern: word($0, 4)) }), 4 * count)
        }
    }

    func image(_ store: [UInt8]) -> DecodedImage {
        let functions: [String: DecodedImage.Window.Function] = ["LINEAR": .linear, "LINEAR_EXACT": .linearExact, "SIGMOID": .sigmoid]
        var transformation: DecodedImage.VOI?
        if let voi { transformation = .table(voi.lookupTable(store)) }
        if let window { transformation = .window(.init(centre: window[0], width: window[1], function: functions[function] ?? .linear)) }
        return DecodedImage(
            width: width, height: height, channels: 1, bitsStored: bitsStored, samples: samples(store).0,
            greyscale: .init(
                slope: slope, intercept: intercept, modalityTable: modality?.lookupTable(store), voi: transformation, isInverted: isInverted))
    }
}

/// An image of the recipe's own size keeps its grey values.
private func greyValues(_ image: DecodedImage) throws -> [Float] {
    let recipe = InputRecipe(
        modality: "", channels: 1, height: image.height, width: image.width, crop: .stretch, filter: .bilinear, intensity: .fileWindow, scale: [1],
        offset: [0])
    return try prepare(image, recipe: recipe).values
}

@Test func refusesAnUnusableWindowWhereItIsUsed() throws {
    var image = DecodedImage(
        width: 2, height: 1, channels: 1, bitsStored: 8, samples: .uint8([0, 255]), greyscale: .init(voi: .unusable(.width), voiCount: 1))
    for (fault, error) in [
        (DecodedImage.WindowFault.width, DICOMError.invalidValue(tag: DICOMTag(0x0028, 0x1051))), (.centreMissing, .missingElement(tag: DICOMTag(0x0028, 0x1050))),
        (.function, .unsupportedGreyscale(tag: DICOMTag(0x0028, 0x1056))),
    ] {
        image.greyscale?.voi = .unusable(fault)
        #expect(throws: PrepareError.dicom(error)) { try greyValues(image) }
    }
    let recipe = InputRecipe(
        modality: "", channels: 1, height: 1, width: 2, crop: .stretch, filter: .bilinear, intensity: .window(centre: 100, width: 51), scale: [1],
        offset: [0])
    #expect(try prepare(image, recipe: recipe).values == [0, 255])
    // The search for text looks at the whole range.
    #expect(greyPlane(of: image, longestSide: 2).values == [0, 255])
}

@Test func givesTheGreyValuesOfPydicom() throws {
    let vectors = try ImageVectors("TernPrepare")
    let store = try vectors.bytes("greyscale.bin")
    let cases = try vectors.decodable([GreyscaleCase].self, "greyscale.json")
    #expect(cases.count == 92)
    for (index, item) in cases.enumerated() {
        let values = try greyValues(item.image(store))
        let start = item.offset + item.samples(store).byteCount
        var largest = 0.0
        for pixel in values.indices {
            let bits = (0..<8).reduce(UInt64(0)) { $0 | UInt64(store[start + pixel * 8 + $1]) << UInt64(8 * $1) }
            largest = max(largest, abs(Double(values[pixel]) - Double(bitPattern: bits)))
        }
        // 1e-6 of full scale.
        #expect(largest <= 2.55e-4, "case \(index), \(item.type) \(item.function) \(item.window ?? []): largest difference \(largest)")
    }
}

@Test func raisesEToAPowerAsTheLibraryDoes() {
    var generator = SeededGenerator(seed: 5)
    var largest = 0.0
    for index in 0..<200_000 {
        let limit = index % 2 == 0 ? 30.0 : 700.0
        let x = Double.random(in: -limit...limit, using: &generator)
        let expected = Foundation.exp(x)
        largest = max(largest, abs(exponential(x) - expected) / expected.ulp)
    }
    #expect(largest <= 2, "\(largest) units in the last place")
    #expect(exponential(0) == 1)
    #expect(exponential(710) == .infinity && exponential(-1e300) == 0 && exponential(.nan).isNaN)
    #expect(exponential(.infinity) == .infinity && exponential(-.infinity) == 0)
}

@Test func showsValuesThatNoArithmeticGivesAsNumbers() throws {
    let windows: [DecodedImage.VOI?] = [
        nil, .window(.init(centre: 1e300, width: 1e-300, function: .sigmoid)), .window(.init(centre: 0, width: 1e308, function: .linearExact)),
        .window(.init(centre: -1e308, width: 1, function: .linear)), .table(.init(firstInput: -70_000, bits: 8, entries: [7])),
    ]
    let samples: [DecodedImage.Samples] = [
        .uint16([0, 65_535]), .int16([-32_768, 32_767]), .int32([.min, .max]), .uint32([0, .max]), .real([-.greatestFiniteMagnitude, .greatestFiniteMagnitude]),
        .real([5, 5]),
    ]
    for voi in windows {
        for values in samples {
            for slope in [1e308, -1e308, 1e-308, 1, -3] {
                let bits = if case .uint16 = values { 16 } else if case .int16 = values { 16 } else { 32 }
                let image = DecodedImage(
                    width: 2, height: 1, channels: 1, bitsStored: bits, samples: values,
                    greyscale: .init(slope: slope, intercept: -1e308, voi: voi, isInverted: slope == -3))
                for value in try greyValues(image) { #expect((0...255).contains(value), "\(values) \(slope)") }
            }
        }
    }
}

@Test func takesTheRampOfAWindowThatHasOne() throws {
    let window = DecodedImage.Window(centre: 40, width: 400)
    let image = DecodedImage(
        width: 1, height: 1, channels: 1, bitsStored: 16, samples: .int16([0]), greyscale: .init(intercept: -1024, voi: .window(window)))
    let ramp = try #require(GreyscaleMap(image: image, voi: .window(window)).ramp(lowest: -32_768, highest: 32_767))
    #expect(ramp.low == 864 && ramp.high == 1263)
    // A third of a unit is no multiple of 2^-12, and a narrow window would show the difference.
    var other = image
    other.greyscale?.slope = 3
    let narrow = DecodedImage.Window(centre: 40, width: 4, function: .linearExact)
    #expect(GreyscaleMap(image: other, voi: .window(narrow)).ramp(lowest: -32_768, highest: 32_767) == nil)
    // Wholly outside the stored values.
    let outside = DecodedImage.Window(centre: 1e6, width: 4)
    #expect(GreyscaleMap(image: image, voi: .window(outside)).ramp(lowest: -32_768, highest: 32_767) == nil)
}
