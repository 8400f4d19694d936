/// The first item of a View Code Sequence (0054,0220): how mammography and digital X-ray files name a view, where View Position may be empty.
struct ViewCode {
    private var value: String?
    private var scheme: String?

    mutating func record(_ tag: DICOMTag, _ element: borrowing ElementValue) {
        if tag == .codeValue { value = element.optionalToken() }
        if tag == .codingSchemeDesignator { scheme = element.optionalToken() }
    }

    /// The word that View Position has for it; nil for a view that has none.
    ///
    /// - Source: PS3.16 2024d CID 4010 and CID 4014; the second code of each is the one of SNOMED-RT, which older files write.
    var viewPosition: String? {
        guard let value, let scheme else { return nil }
        let isCurrent = scheme.utf8.elementsEqual("SCT".utf8)
        guard isCurrent || ["SRT", "SNM3", "99SDM"].contains(where: { $0.utf8.elementsEqual(scheme.utf8) }) else { return nil }
        for view in ViewCode.views where (isCurrent ? view.current : view.former).utf8.elementsEqual(value.utf8) { return view.word }
        return nil
    }

    private static let views: [(word: String, current: String, former: String)] = [
        ("CC", "399162004", "R-10242"), ("MLO", "399368009", "R-10226"), ("ML", "399260004", "R-10224"), ("LM", "399352003", "R-10228"),
        ("LMO", "399099002", "R-10230"), ("FB", "399196006", "R-10244"), ("SIO", "399188001", "R-102D0"), ("ISO", "441555000", "R-40AAA"),
        ("XCCL", "399192008", "R-1024A"), ("XCCM", "399101009", "R-1024B"), ("AP", "399348003", "R-10206"), ("PA", "272479007", "R-10214"),
        ("PA", "272479007", "R-40888"), ("LL", "399173006", "R-10236"), ("RL", "399198007", "R-10232"),
    ]
}
