/// The codes of context group 7050, PS3.16 2024d.
enum MethodCode {
    static let basicProfile = "113100"
    static let cleanPixelData = "113101"
    static let modifiedDates = "113107"
    static let deviceIdentity = "113109"

    static func meaning(_ code: String) -> String {
        switch code {
        case basicProfile: "Basic Application Confidentiality Profile"
        case cleanPixelData: "Clean Pixel Data Option"
        case modifiedDates: "Retain Longitudinal Temporal Information Modified Dates Option"
        case deviceIdentity: "Retain Device Identity Option"
        default: ""
        }
    }
}
