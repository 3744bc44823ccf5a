package graphsim

// place is a country as the directory shows it: name, the two-letter
// usageLocation, the name of the local company and its cities.
type place struct {
	country, code, suffix, language string
	cities                          []string
}

const (
	placeUS = iota
	placeGB
	placeIE
	placeDE
	placeAT
	placeCH
	placeFR
	placeCA
	placeES
	placeBR
	placePL
	placeCZ
	placeSE
	placeNO
	placeCN
	placeSG
	placeJP
	placeIN
	placeTR
	placeAE
)

var places = []place{
	placeUS: {"United States", "US", "Inc.", "en-US", []string{"Seattle", "Austin", "Chicago", "New York"}},
	placeGB: {"United Kingdom", "GB", "Ltd", "en-GB", []string{"London", "Leeds", "Edinburgh"}},
	placeIE: {"Ireland", "IE", "Ltd", "en-IE", []string{"Dublin", "Cork"}},
	placeDE: {"Germany", "DE", "GmbH", "de-DE", []string{"Berlin", "München", "Köln", "Hamburg"}},
	placeAT: {"Austria", "AT", "GmbH", "de-AT", []string{"Wien", "Graz"}},
	placeCH: {"Switzerland", "CH", "AG", "de-CH", []string{"Zürich", "Genève"}},
	placeFR: {"France", "FR", "S.A.", "fr-FR", []string{"Paris", "Lyon", "Saint-Étienne"}},
	placeCA: {"Canada", "CA", "Inc.", "fr-CA", []string{"Montréal", "Toronto"}},
	placeES: {"Spain", "ES", "S.L.", "es-ES", []string{"Madrid", "A Coruña"}},
	placeBR: {"Brazil", "BR", "Ltda.", "pt-BR", []string{"São Paulo", "Curitiba"}},
	placePL: {"Poland", "PL", "Sp. z o.o.", "pl-PL", []string{"Warszawa", "Łódź", "Kraków"}},
	placeCZ: {"Czechia", "CZ", "s.r.o.", "cs-CZ", []string{"Praha", "Brno"}},
	placeSE: {"Sweden", "SE", "AB", "sv-SE", []string{"Stockholm", "Malmö"}},
	placeNO: {"Norway", "NO", "AS", "nb-NO", []string{"Oslo", "Tromsø"}},
	placeCN: {"China", "CN", "Co., Ltd.", "zh-CN", []string{"上海", "北京"}},
	placeSG: {"Singapore", "SG", "Pte. Ltd.", "en-SG", []string{"Singapore"}},
	placeJP: {"Japan", "JP", "K.K.", "ja-JP", []string{"東京", "大阪"}},
	placeIN: {"India", "IN", "Pvt. Ltd.", "en-IN", []string{"Bengaluru", "Pune", "Chennai"}},
	placeTR: {"Türkiye", "TR", "A.Ş.", "tr-TR", []string{"İstanbul", "Ankara"}},
	placeAE: {"United Arab Emirates", "AE", "LLC", "ar-AE", []string{"Dubai"}},
}

// department carries the cost centre that employee ids begin with and the job
// titles found in it.
type department struct {
	name, centre string
	titles       []string
}

var departments = []department{
	{"Sales", "CC1100", []string{"Account Executive", "Sales Manager", "Sales Assistant"}},
	{"Marketing", "CC1200", []string{"Campaign Manager", "Copywriter", "Brand Manager"}},
	{"Customer Service", "CC1300", []string{"Service Agent", "Team Lead", "Service Manager"}},
	{"Engineering", "CC2100", []string{"Engineer", "Senior Engineer", "Architect"}},
	{"Research & Development", "CC2200", []string{"Scientist", "Lab Technician", "Principal Scientist"}},
	{"Production", "CC3100", []string{"Operator", "Shift Lead", "Plant Manager"}},
	{"Logistics", "CC3200", []string{"Driver", "Warehouse Clerk", "Dispatcher"}},
	{"Quality", "CC3300", []string{"Inspector", "Quality Engineer"}},
	{"Finance", "CC4100", []string{"Accountant", "Controller", "Analyst"}},
	{"Human Resources", "CC4200", []string{"HR Partner", "Recruiter"}},
	{"Legal", "CC4300", []string{"Counsel", "Paralegal"}},
	{"Information Technology", "CC4400", []string{"Administrator", "Service Desk Agent", "Security Analyst"}},
	{"Facilities", "CC4500", []string{"Caretaker", "Facility Manager"}},
}

// sharedNames are the mailboxes nobody signs in to: the directory shows them as
// disabled accounts and has no flag that tells them from people.
var sharedNames = []label{
	{"Shared Invoices", "shared.invoices"}, {"Shared Support", "shared.support"},
	{"Shared Jobs", "shared.jobs"}, {"Shared Press", "shared.press"},
	{`Reception "Front Desk"`, "reception"}, {"Shared Orders, Returns", "shared.orders"},
}

// resourceNames are service accounts and rooms.
var resourceNames = []label{
	{"Room Aurora", "room.aurora"}, {"Backup Service", "svc-backup"},
	{"Scanner Floor 3", "svc-scanner"}, {"Room Zeppelin", "room.zeppelin"},
}

var guestDomains = []string{"partner.example", "supplier.example", "agency.example"}

// guestTails are the guests' own domains as their user principal name spells
// them.
var guestTails = []string{"_partner.example#EXT#@", "_supplier.example#EXT#@", "_agency.example#EXT#@"}
