import TernBytes
import TernImage
import TernImageTesting
import TernKernels
import TernModel
import TernPrepare
import Testing

private func recipe(
    channels: Int = 1, height: Int, width: Int, crop: InputRecipe.Crop = .stretch, filter: InputRecipe.Filter = .bilinear,
    intensity: InputRecipe.Intensity = .fileWindow, modality: String = ""
) -> InputRecipe {
    InputRecipe(
        modality: modality, channels: channels, height: height, width: width, crop: crop, filter: filter, intensity: intensity,
        scale: [Float](repeating: 1, count: channels), offset: [Float](repeating: 0, count: channels))
}

private func image8(_ samples: [UInt8], width: Int, height: Int, channels: Int = 1) -> DecodedImage {
    DecodedImage(width: width, height: height, channels: channels, bitsStored: 8, samples: .uint8(samples), greyscale: nil)
}

/// Planar prepared values back to interleaved bytes.
private func interleavedBytes(_ input: PreparedInput) -> [UInt8] {
    let count = input.width * input.height
    var result = [UInt8](repeating: 0, count: count * input.channels)
    for pixel in 0..<count {
        for channel in 0..<input.channels { result[pixel * input.channels + channel] = UInt8(input.values[channel * count + pixel]) }
    }
    return result
}

private struct ResizeIndex: Decodable {
    /// height, width, channels, height and width of the result, filter, offset of the source, offset of the result
    var small: [[Int]]
    var large: [Large]
    /// The same with the seed of the stream and the FNV-1a hash of the result.
    struct Large: Decodable {
        var shape: [Int]
        var seed: UInt64
        var hash: String
        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            shape = try (0..<6).map { _ in try list.decode(Int.self) }
            seed = try list.decode(UInt64.self)
            hash = try list.decode(String.self)
        }
    }
}

@Test func resizesSmallImagesAsPillowDoes() throws {
    let vectors = try ImageVectors("TernPrepare")
    let index = try vectors.decodable(ResizeIndex.self, "resize.json")
    let store = try vectors.bytes("resize.bin")
    #expect(index.small.count == 480)
    var largest = 0
    for item in index.small {
        let (height, width, channels, outHeight, outWidth) = (item[0], item[1], item[2], item[3], item[4])
        let source = [UInt8](store[item[6]..<(item[6] + height * width * channels)])
        let expected = store[item[7]..<(item[7] + outHeight * outWidth * channels)]
        let filter = try #require(InputRecipe.Filter(rawValue: UInt32(item[5])))
        let result = interleavedBytes(
            try prepare(
                image8(source, width: width, height: height, channels: channels),
                recipe: recipe(channels: channels, height: outHeight, width: outWidth, filter: filter)))
        for (mine, theirs) in zip(result, expected) { largest = max(largest, abs(Int(mine) - Int(theirs))) }
    }
    #expect(largest == 0)
}

private func stream(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 56)
    }
}

@Test func resizesLargeImagesAsPillowDoes() throws {
    let index = try ImageVectors("TernPrepare").decodable(ResizeIndex.self, "resize.json")
    #expect(index.large.count == 88)
    for item in index.large {
        let shape = item.shape
        let filter = try #require(InputRecipe.Filter(rawValue: UInt32(shape[5])))
        let source = image8(stream(shape[0] * shape[1] * shape[2], seed: item.seed), width: shape[1], height: shape[0], channels: shape[2])
        let result = interleavedBytes(try prepare(source, recipe: recipe(channels: shape[2], height: shape[3], width: shape[4], filter: filter)))
        let hash = result.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        #expect(hash == UInt64(item.hash, radix: 16), "\(shape)")
    }
}

@Test func followsTheReferenceOnSixteenBitImagesOfManyShapes() throws {
    let vectors = try ImageVectors("TernPrepare")
    let store = try vectors.bytes("wide.bin")
    let cases = try vectors.decodable([[Int]].self, "wide.json")
    #expect(cases.count == 48)
    var largest = 0.0
    for item in cases {
        let (height, width, outHeight, outWidth) = (item[0], item[1], item[2], item[3])
        let bytes = stream(height * width * 2, seed: UInt64(item[5]))
        let samples = (0..<height * width).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
        let image = DecodedImage(width: width, height: height, channels: 1, bitsStored: 16, samples: .uint16(samples), greyscale: nil)
        let filter = try #require(InputRecipe.Filter(rawValue: UInt32(item[4])))
        let result = try prepare(image, recipe: recipe(height: outHeight, width: outWidth, filter: filter))
        for index in result.values.indices {
            let bits = (0..<8).reduce(UInt64(0)) { $0 | UInt64(store[item[6] + index * 8 + $1]) << UInt64(8 * $1) }
            largest = max(largest, abs(Double(result.values[index]) - Double(bitPattern: bits)))
        }
    }
    // 4e-7 of full scale.
    #expect(largest <= 1e-4, "largest difference \(largest)")
}

/// Pictures of every kind that takes a way of its own.
private func pictures() -> [DecodedImage] {
    let (width, height) = (83, 61)
    let bytes = stream(width * height * 6, seed: 9)
    let words = (0..<width * height * 3).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
    let count = width * height
    func image(_ channels: Int, _ bits: Int, _ samples: DecodedImage.Samples, _ greyscale: DecodedImage.Greyscale?) -> DecodedImage {
        DecodedImage(width: width, height: height, channels: channels, bitsStored: bits, samples: samples, greyscale: greyscale)
    }
    let window = DecodedImage.VOI.window(.init(centre: 300, width: 20_000))
    let sigmoid = DecodedImage.VOI.window(.init(centre: 300, width: 20_000, function: .sigmoid))
    let signed = words[..<count].map { Int16(bitPattern: $0) }
    return [
        image(1, 8, .uint8(Array(bytes[..<count])), nil), image(3, 8, .uint8(Array(bytes[..<(3 * count)])), nil),
        image(1, 8, .uint8(Array(bytes[..<count])), .init(isInverted: true)), image(1, 16, .uint16(Array(words[..<count])), nil),
        image(1, 16, .int16(signed), .init(voi: window, isInverted: true)), image(1, 16, .int16(signed), .init(voi: sigmoid)),
        image(1, 32, .real(signed.map { Float($0) / 3 }), nil), image(3, 16, .uint16(words), nil),
    ]
}

@Test func everyInstructionSetGivesTheSameBits() throws {
    for (index, image) in pictures().enumerated() {
        for filter in [InputRecipe.Filter.box, .bilinear, .bicubic, .lanczos] {
            for (channels, height, width) in [(1, 28, 28), (3, 20, 90), (1, 70, 9), (3, 1, 1), (1, 5, 83)] {
                let rule = recipe(channels: channels, height: height, width: width, filter: filter)
                let expected = try prepare(image, recipe: rule, kernels: ResizeKernels(.scalar))
                for set in InstructionSet.available {
                    #expect(try prepare(image, recipe: rule, kernels: ResizeKernels(set)) == expected, "\(set) picture \(index) \(filter)")
                }
            }
        }
    }
}

@Test func convertsColourToGreyAsPillowDoes() throws {
    let store = try ImageVectors("TernPrepare").bytes("luminance.bin")
    let count = 40 * 33
    let image = image8([UInt8](store[..<(3 * count)]), width: 33, height: 40, channels: 3)
    let result = try prepare(image, recipe: recipe(height: 40, width: 33))
    #expect(interleavedBytes(result) == [UInt8](store[(3 * count)...]))
}

private struct FloatCase: Decodable {
    var height: Int, width: Int, bitsStored: Int, type: String, slope: Double, intercept: Double, window: [Double]?, isExact: Bool, isInverted: Bool
    var crop: UInt32, outHeight: Int, outWidth: Int, filter: UInt32, offset: Int
}

@Test func followsTheReferenceOnTheRealValuedWay() throws {
    let vectors = try ImageVectors("TernPrepare")
    let store = try vectors.bytes("float.bin")
    let cases = try vectors.decodable([FloatCase].self, "float.json")
    #expect(cases.count == 28)
    var largest = 0.0
    for item in cases {
        let count = item.height * item.width
        let sampleBytes = item.type == "uint8" ? 1 : 2
        let words = (0..<count).map { index in
            let low = UInt16(store[item.offset + index * sampleBytes])
            return sampleBytes == 1 ? low : low | UInt16(store[item.offset + index * 2 + 1]) << 8
        }
        let samples: DecodedImage.Samples =
            switch item.type {
            case "uint8": .uint8(words.map { UInt8($0) })
            case "uint16": .uint16(words)
            default: .int16(words.map { Int16(bitPattern: $0) })
            }
        let window = item.window.map { DecodedImage.Window(centre: $0[0], width: $0[1], function: item.isExact ? .linearExact : .linear) }
        let image = DecodedImage(
            width: item.width, height: item.height, channels: 1, bitsStored: item.bitsStored, samples: samples,
            greyscale: .init(slope: item.slope, intercept: item.intercept, voi: window.map { .window($0) }, isInverted: item.isInverted))
        let result = try prepare(
            image,
            recipe: recipe(
                height: item.outHeight, width: item.outWidth, crop: try #require(InputRecipe.Crop(rawValue: item.crop)),
                filter: try #require(InputRecipe.Filter(rawValue: item.filter))))
        let start = item.offset + count * sampleBytes
        for index in 0..<(item.outHeight * item.outWidth) {
            let bits = (0..<8).reduce(UInt64(0)) { $0 | UInt64(store[start + index * 8 + $1]) << UInt64(8 * $1) }
            largest = max(largest, abs(Double(result.values[index]) - Double(bitPattern: bits)))
        }
    }
    #expect(largest <= 1e-4, "largest difference \(largest)")
}

@Test func appliesScaleAndOffsetFusedPerChannel() throws {
    var rule = recipe(channels: 3, height: 1, width: 1)
    rule.scale = [0.1, 0.2, 0.3]
    rule.offset = [1, 2, 3]
    let result = try prepare(image8([10, 20, 30], width: 1, height: 1, channels: 3), recipe: rule)
    let expected: [Float] = [Float(1).addingProduct(10, 0.1), Float(2).addingProduct(20, 0.2), Float(3).addingProduct(30, 0.3)]
    #expect(result.values == expected)
    let grey = try prepare(image8([10], width: 1, height: 1), recipe: rule)
    #expect(grey.values == [Float(1).addingProduct(10, 0.1), Float(2).addingProduct(10, 0.2), Float(3).addingProduct(10, 0.3)])
}

@Test func cropsTheCentreSquare() throws {
    let image = image8([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], width: 5, height: 2)
    let result = try prepare(image, recipe: recipe(height: 2, width: 2, crop: .centreSquare))
    #expect(result.values == [2, 3, 7, 8])
}

@Test func invertsEightBitImagesByteForByte() throws {
    var image = image8([0, 1, 254, 255], width: 2, height: 2)
    image.greyscale = .init(isInverted: true)
    #expect(try prepare(image, recipe: recipe(height: 2, width: 2)).values == [255, 254, 1, 0])
}

@Test func mapsSixteenBitColourToTheFullRange() throws {
    let image = DecodedImage(width: 1, height: 1, channels: 3, bitsStored: 16, samples: .uint16([0, 65_535, 32_768]), greyscale: nil)
    #expect(try prepare(image, recipe: recipe(channels: 3, height: 1, width: 1)).values == [0, 255, Float(32_768.0 / 65_535 * 255)])
    let grey = try prepare(image, recipe: recipe(height: 1, width: 1)).values[0]
    #expect(abs(Double(grey) - (38_470 * 255 + 7_471 * 32_768.0 / 65_535 * 255) / 65_536) < 1e-4)
}

@Test func usesTheRecipesWindowInsteadOfTheFiles() throws {
    var image = DecodedImage(width: 3, height: 1, channels: 1, bitsStored: 16, samples: .int16([-1000, 40, 3000]), greyscale: nil)
    image.greyscale = .init(voi: .window(.init(centre: 5000, width: 10)))
    let result = try prepare(image, recipe: recipe(height: 1, width: 3, intensity: .window(centre: 40.5, width: 401)))
    #expect(result.values == [0, 127.5, 255])
}

@Test func refusesARecipesWindowForAFileWithoutUnits() {
    #expect(throws: PrepareError.noRescaledValues) {
        try prepare(image8([1], width: 1, height: 1), recipe: recipe(height: 1, width: 1, intensity: .window(centre: 0, width: 10)))
    }
}

@Test func comparesModalities() throws {
    let rule = recipe(height: 1, width: 1, modality: "DX")
    for modality in ["DX", "CR", "RG"] { #expect(try checkModality(modality, of: .dicom, for: rule)) }
    #expect(throws: PrepareError.modalityDiffers) { try checkModality("US", of: .dicom, for: rule) }
    #expect(throws: PrepareError.modalityMissing) { try checkModality(nil, of: .dicom, for: rule) }
    for kind in [ImageKind.jpeg, .png, .nifti] {
        #expect(try !checkModality(nil, of: kind, for: rule))
        #expect(try checkModality("CR", of: kind, for: rule))
        #expect(throws: PrepareError.modalityDiffers) { try checkModality("MR", of: kind, for: rule) }
    }
    #expect(try !checkModality(nil, of: .dicom, for: recipe(height: 1, width: 1)))
}
