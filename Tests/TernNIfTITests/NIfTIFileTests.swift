import TernBytes
import TernImage
import TernImageTesting
import Testing

@testable import TernNIfTI

@Test func readsEveryGoldenVolumeExactly() throws {
    let vectors = try Vectors.read()
    #expect(vectors.cases.count > 60)
    for item in vectors.cases {
        if let refused = item.refused {
            let error = #expect(throws: NIfTIError.self, "\(item.file)") {
                let (file, data) = try open(item)
                for index in 0..<file.frameCount { _ = try file.frame(index, of: data.rawBytes) }
            }
            #expect(error.map { caseName($0) } == refused, "\(item.file)")
            continue
        }
        let (file, data) = try open(item)
        #expect([file.volumeCount, file.sliceCount, file.height, file.width] == item.shape, "\(item.file)")
        var found: [UInt8] = []
        for index in 0..<file.frameCount {
            let image = try file.frame(index, of: data.rawBytes)
            #expect(image.width == file.width && image.height == file.height && image.channels == item.channels, "\(item.file)")
            #expect(typeName(image.samples) == item.type, "\(item.file)")
            #expect(image.greyscale.map { [$0.slope, $0.intercept] } == (item.channels == 3 ? nil : [item.slope, item.intercept]), "\(item.file)")
            if let window = item.window {
                #expect(image.greyscale?.window == DecodedImage.Window(centre: window[0], width: window[1], function: .linearExact))
                #expect(image.greyscale?.voiCount == 1)
            } else {
                #expect(image.greyscale?.voiCount ?? 0 == 0)
            }
            found += littleEndianBytes(image.samples)
        }
        #expect(found == bytes(hexadecimal: try #require(item.samples)), "\(item.file)")
        if let name = item.orientation { #expect("\(file.orientationSource)" == name, "\(item.file)") }
        let spacing = try #require(file.attributes.pixelSpacing)
        let expected = try #require(item.storedSpacing).map { $0 * (item.unit ?? 1) }.sorted()
        for (found, expected) in zip([spacing.row, spacing.column, file.sliceSpacing].sorted(), expected) {
            #expect(abs(found - expected) <= 1e-6 * expected, "\(item.file)")
        }
    }
}

@Test func turnsEveryOrientationToThePatientsAxes() throws {
    let turns = try Vectors.read().turns
    #expect(turns.count == 48)
    for turn in turns {
        let data = bytes(hexadecimal: turn.bytes)
        let file = try NIfTIFile(parsing: data.rawBytes)
        #expect([file.volumeCount, file.sliceCount, file.height, file.width] == turn.shape)
        var found: [UInt8] = []
        for index in 0..<file.frameCount { found += littleEndianBytes(try file.frame(index, of: data.rawBytes).samples) }
        #expect(found == bytes(hexadecimal: turn.samples))
    }
}

/// Spacings of 1, 2 and 3 mm along the stored axes follow their axes.
@Test func spacingFollowsTheTurnedAxes() throws {
    for turn in try Vectors.read().turns {
        let data = bytes(hexadecimal: turn.bytes)
        let file = try NIfTIFile(parsing: data.rawBytes)
        // 4 x 3 x 2 samples: an axis of 4 has 1 mm, of 3 has 2 mm, of 2 has 3 mm.
        #expect(file.attributes.pixelSpacing == ImageAttributes.Spacing(row: Double(5 - file.height), column: Double(5 - file.width)))
        #expect(file.sliceSpacing == Double(5 - file.sliceCount))
    }
}

@Test func refusesEveryTruncation() throws {
    for name in ["int16_be.nii", "two_le.nii", "single.nii.gz", "extension.nii"] {
        let whole = try Vectors.bytes(name)
        for count in 0..<whole.count {
            #expect(throws: NIfTIError.self, "\(name): \(count) bytes") { try NIfTIFile(parsing: Array(whole[..<count]).rawBytes) }
        }
    }
}

/// A flipped bit of a header is refused or leaves a volume whose every frame can be asked for.
@Test func noFlippedBitOfAHeaderStopsTheProgram() throws {
    for name in ["uint8_le.nii", "two_be.nii", "float32_be.nii"] {
        let whole = try Vectors.bytes(name)
        for index in 0..<min(540, whole.count) {
            for bit in 0..<8 {
                var damaged = whole
                damaged[index] ^= 1 << UInt8(bit)
                guard let file = try? NIfTIFile(parsing: damaged.rawBytes) else { continue }
                for frame in 0..<file.frameCount { _ = try? file.frame(frame, of: damaged.rawBytes) }
            }
        }
    }
}

@Test func windowsAFrameToItsOwnRange() throws {
    let vectors = try Vectors.read()
    for name in ["int16_le.nii", "int16_scaled.nii", "float32_scaled.nii", "uint32_be.nii"] {
        let (file, data) = try open(try #require(vectors.cases.first { $0.file == name }))
        let image = try file.frame(1, of: data.rawBytes)
        let grey = try #require(image.greyscale)
        let values: [Double] =
            switch image.samples {
            case .int16(let values): values.map { Double($0) * grey.slope + grey.intercept }
            case .uint32(let values): values.map { Double($0) * grey.slope + grey.intercept }
            case .real(let values): values.map(Double.init)
            default: []
            }
        let (low, high) = (try #require(values.min()), try #require(values.max()))
        #expect(grey.window == DecodedImage.Window(centre: (low + high) / 2, width: high - low, function: .linearExact))
    }
}

@Test func aCompressedHeaderCostsNoMoreThanItsBytesCanHold() throws {
    var header = try Vectors.bytes("uint8_le.nii")
    // dim[1 ... 3] = 16,000: 4 TB.
    for axis in 1...3 { header.replaceSubrange((40 + 2 * axis)..<(42 + 2 * axis), with: [0x80, 0x3E]) }
    let data = try Vectors.bytes("single.nii.gz")
    // The header of a pair is plain here, and the data are a small member.
    header.replaceSubrange(344..<348, with: [0x6E, 0x69, 0x31, 0])
    #expect(throws: NIfTIError.self) { try NIfTIFile(pairHeader: header.rawBytes, data: data.rawBytes) }
}

@Test func recognisesHeadersAndCompressedFiles() throws {
    for item in try Vectors.read().cases {
        let file = try Vectors.bytes(item.file)
        let isRecognised = NIfTIFile.recognises(file.rawBytes)
        #expect(isRecognised, "\(item.file)")
    }
    for other: [UInt8] in [[], [0x1F], [0xFF, 0xD8, 0xFF, 0xE0], Array(repeating: 0, count: 600)] {
        let isRecognised = NIfTIFile.recognises(other.rawBytes)
        #expect(!isRecognised)
    }
    #expect(throws: NIfTIError.notANIfTIFile) { try NIfTIFile(parsing: [UInt8](repeating: 0, count: 600).rawBytes) }
}

@Test func refusesAPairTheWrongWayRound() throws {
    let single = try Vectors.bytes("int16_le.nii")
    #expect(throws: NIfTIError.notAPairHeader) { try NIfTIFile(pairHeader: single.rawBytes, data: single.rawBytes) }
    let data = try Vectors.bytes("pair.img")
    #expect(throws: NIfTIError.notANIfTIFile) { try NIfTIFile(pairHeader: data.rawBytes, data: data.rawBytes) }
    #expect(throws: NIfTIError.truncatedHeader(byteCount: 100)) { try NIfTIFile(parsing: Array(single[..<100]).rawBytes) }
}
