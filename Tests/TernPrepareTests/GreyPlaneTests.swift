import Testing
import TernImage

@testable import TernPrepare

private func image(_ width: Int, _ height: Int, _ samples: DecodedImage.Samples, bits: Int = 8, grey: DecodedImage.Greyscale? = nil) -> DecodedImage {
    DecodedImage(
        width: width, height: height, channels: samples.count / (width * height), bitsStored: bits, samples: samples, greyscale: grey)
}

@Test func aSmallGreyPictureIsItsOwnPlane() {
    let plane = greyPlane(of: image(3, 2, .uint8([0, 1, 2, 253, 254, 255])), longestSide: 3)
    #expect(plane == GreyPlane(width: 3, height: 2, values: [0, 1, 2, 253, 254, 255]))
}

@Test func aLargePictureIsShrunkByABox() {
    let plane = greyPlane(of: image(4, 2, .uint8([0, 4, 100, 104, 8, 12, 108, 112])), longestSide: 2)
    #expect(plane == GreyPlane(width: 2, height: 1, values: [6, 106]))
    #expect(greyPlane(of: image(300, 1, .uint8([UInt8](repeating: 9, count: 300))), longestSide: 10).height == 1)
}

@Test func aPlaneShowsWhatTheFileSaysAndColourAsLuminance() {
    let window = DecodedImage.Greyscale(voi: .window(.init(centre: 100, width: 200, function: .linearExact)), isInverted: true)
    let plane = greyPlane(of: image(3, 1, .uint16([0, 100, 4_000]), bits: 16, grey: window), longestSide: 8)
    #expect(plane.values == [255, 128, 0])
    #expect(greyPlane(of: image(1, 1, .uint8([200, 100, 50])), longestSide: 8).values == [124])
}
