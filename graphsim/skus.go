package graphsim

// plan is a service plan of Microsoft's product catalogue: its name and GUID as
// published, the service name under which user.assignedPlans lists it, and the
// workloads whose use it pays for. The service name of the Copilot plans is not
// documented; the one here stands in for it.
type plan struct {
	name, id, service string
	loads             loads
}

// product is a SKU: GUID, part number and the upper-case name under which
// usage reports list it (Microsoft docs, product names and service plans).
type product struct {
	id, part, title string
	plans           []int
	company         bool
}

const (
	planExchange2 = iota
	planExchange1
	planExchangeKiosk
	planSharePoint2
	planSharePoint1
	planSharePointKiosk
	planOfficeWeb
	planApps
	planAppsBusiness
	planAppsMobile
	planTeams
	planSkype2
	planSkype1
	planPhone
	planYammer
	planEntra1
	planEntra2
	planIntune
	planMFA
	planRights
	planPlanner
	planDefender
	planWindows
	planPowerBIPro
	planPowerBIFree
	planFlowFree
	planCopilotApps
	planCopilotTeams
	planCopilotChat
	planVisio
	planVisioWeb
	planOneDriveBasic
	planProject
	planProjectClient
	planStorage
	planSway
)

var plans = []plan{
	planExchange2:       {"EXCHANGE_S_ENTERPRISE", "efb87545-963c-4e0d-99df-69c6916d9eb0", "exchange", useExchange},
	planExchange1:       {"EXCHANGE_S_STANDARD", "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "exchange", useExchange},
	planExchangeKiosk:   {"EXCHANGE_S_DESKLESS", "4a82b400-a79f-41a4-b4e2-e94f5787b113", "exchange", useExchange},
	planSharePoint2:     {"SHAREPOINTENTERPRISE", "5dbe027f-2339-4123-9542-606e4d348a72", "SharePoint", useOneDrive | useSharePoint},
	planSharePoint1:     {"SHAREPOINTSTANDARD", "c7699d2e-19aa-44de-8edf-1736da088ca1", "SharePoint", useOneDrive | useSharePoint},
	planSharePointKiosk: {"SHAREPOINTDESKLESS", "902b47e5-dcb2-4fdc-858b-c63a90a2bdb9", "SharePoint", useOneDrive | useSharePoint},
	planOfficeWeb:       {"SHAREPOINTWAC", "e95bec33-7c88-4a70-8e19-b10bd9d0c014", "SharePoint", 0},
	planApps:            {"OFFICESUBSCRIPTION", "43de0ff5-c92c-492b-9116-175376d08c38", "MicrosoftOffice", useApps},
	planAppsBusiness:    {"OFFICE_BUSINESS", "094e7854-93fc-4d55-b2c0-3ab5369ebdc1", "MicrosoftOffice", useApps},
	planAppsMobile:      {"OFFICEMOBILE_SUBSCRIPTION", "c63d4d19-e8cb-460e-b37c-4d6c34603745", "MicrosoftOffice", 0},
	planTeams:           {"TEAMS1", "57ff2da0-773e-42df-b2af-ffb7a2317929", "TeamspaceAPI", useTeams},
	planSkype2:          {"MCOSTANDARD", "0feaeb32-d00e-4d66-bd5a-43b5b83db82c", "MicrosoftCommunicationsOnline", useSkype},
	planSkype1:          {"MCOIMP", "afc06cb0-b4f4-4473-8286-d644f70d8faf", "MicrosoftCommunicationsOnline", useSkype},
	planPhone:           {"MCOEV", "4828c8ec-dc2e-4779-b502-87ac9ce28ab7", "MicrosoftCommunicationsOnline", 0},
	planYammer:          {"YAMMER_ENTERPRISE", "7547a3fe-08ee-4ccb-b430-5077c5041653", "YammerEnterprise", useYammer},
	planEntra1:          {"AAD_PREMIUM", "41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AADPremiumService", 0},
	planEntra2:          {"AAD_PREMIUM_P2", "eec0eb4f-6444-4f95-aba0-50c24d67f998", "AADPremiumService", 0},
	planIntune:          {"INTUNE_A", "c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "SCO", 0},
	planMFA:             {"MFA_PREMIUM", "8a256a2b-b617-496d-b51b-e76466e88db0", "MultiFactorService", 0},
	planRights:          {"RMS_S_ENTERPRISE", "bea4c11e-220a-4e6d-8eb8-8ea15d019f90", "RMSOnline", 0},
	planPlanner:         {"PROJECTWORKMANAGEMENT", "b737dad2-2f6c-4c65-90e3-ca563267e8b9", "ProjectWorkManagement", 0},
	planDefender:        {"WINDEFATP", "871d91ec-ec1a-452b-a83f-bd76c7d770ef", "WindowsDefenderATP", 0},
	planWindows:         {"WIN10_PRO_ENT_SUB", "21b439ba-a0ca-424f-a6cc-52f954a5b111", "WindowsUpdateforBusinessCloudExtensions", 0},
	planPowerBIPro:      {"BI_AZURE_P2", "70d33638-9c74-4d01-bfd3-562de28bd4ba", "PowerBI", 0},
	planPowerBIFree:     {"BI_AZURE_P0", "2049e525-b859-401b-b2a0-e0a31c4b1fe4", "PowerBI", 0},
	planFlowFree:        {"FLOW_P2_VIRAL", "50e68c76-46c6-4674-81f9-75456511b170", "ProcessSimple", 0},
	planCopilotApps:     {"M365_COPILOT_APPS", "a62f8878-de10-42f3-b68f-6149a25ceb97", "M365Copilot", useCopilot},
	planCopilotTeams:    {"M365_COPILOT_TEAMS", "b95945de-b3bd-46db-8437-f2beb6ea2347", "M365Copilot", useCopilot},
	planCopilotChat:     {"M365_COPILOT_BUSINESS_CHAT", "3f30311c-6b1e-48a4-ab79-725b469da960", "M365Copilot", useCopilot},
	planVisio:           {"VISIO_CLIENT_SUBSCRIPTION", "663a804f-1c30-4ff0-9915-9db84f0d1cea", "MicrosoftOffice", 0},
	planVisioWeb:        {"VISIOONLINE", "2bdbaf8f-738f-4ac7-9234-3c3ee2ce7d0f", "SharePoint", 0},
	planOneDriveBasic:   {"ONEDRIVE_BASIC", "da792a53-cbc0-4184-a10d-e544dd34b3c1", "SharePoint", useOneDrive},
	planProject:         {"PROJECT_PROFESSIONAL", "818523f5-016b-4355-9be8-ed6944946ea7", "MicrosoftProject", 0},
	planProjectClient:   {"PROJECT_CLIENT_SUBSCRIPTION", "fafd7243-e5c1-4a3a-9e40-495efcb1d3c3", "MicrosoftOffice", 0},
	planStorage:         {"SHAREPOINTSTORAGE", "be5a7ed5-c598-4fcd-a061-5e6724c68a58", "SharePoint", 0},
	planSway:            {"SWAY", "a23b959c-7ce8-4e57-9140-b90eb88a9e97", "Sway", 0},
}

const (
	skuE3 = iota
	skuE5
	skuF3
	skuE1
	skuBusiness
	skuCopilot
	skuVisio
	skuProject
	skuPowerBIPro
	skuPowerBIFree
	skuFlow
	skuEMS
	skuTeamsTrial
	skuOldE3
	skuStorage
	skuCount
)

// products lists the SKUs of every simulated tenant, each with its main
// service plans.
var products = [skuCount]product{
	skuE3: {id: "05e9a617-0261-4cee-bb44-138d3ef5d965", part: "SPE_E3", title: "MICROSOFT 365 E3",
		plans: []int{planExchange2, planSharePoint2, planOfficeWeb, planApps, planTeams, planSkype2, planYammer, planEntra1, planIntune, planRights, planWindows, planSway}},
	skuE5: {id: "06ebc4ee-1bb5-47dd-8120-11324bc54e06", part: "SPE_E5", title: "MICROSOFT 365 E5",
		plans: []int{planExchange2, planSharePoint2, planOfficeWeb, planApps, planTeams, planSkype2, planYammer, planPhone, planEntra1, planEntra2, planIntune, planRights, planDefender, planPowerBIPro, planWindows, planSway}},
	skuF3: {id: "66b55226-6b4f-492c-910c-a3b7a3c9d993", part: "SPE_F1", title: "MICROSOFT 365 F3",
		plans: []int{planExchangeKiosk, planSharePointKiosk, planOfficeWeb, planAppsMobile, planTeams, planSkype1, planYammer, planEntra1, planIntune, planSway}},
	skuE1: {id: "18181a46-0d4e-45cd-891e-60aabd171b4e", part: "STANDARDPACK", title: "OFFICE 365 E1",
		plans: []int{planExchange1, planSharePoint1, planOfficeWeb, planAppsMobile, planTeams, planSkype2, planYammer, planPlanner, planSway}},
	skuBusiness: {id: "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", part: "SPB", title: "MICROSOFT 365 BUSINESS PREMIUM",
		plans: []int{planExchange1, planSharePoint1, planOfficeWeb, planAppsBusiness, planTeams, planSkype2, planYammer, planEntra1, planIntune, planSway}},
	skuCopilot: {id: "639dec6b-bb19-468b-871c-c5c441c4b0cb", part: "Microsoft_365_Copilot", title: "MICROSOFT 365 COPILOT",
		plans: []int{planCopilotApps, planCopilotTeams, planCopilotChat}},
	skuVisio: {id: "c5928f49-12ba-48f7-ada3-0d743a3601d5", part: "VISIOCLIENT", title: "VISIO PLAN 2",
		plans: []int{planOneDriveBasic, planVisio, planVisioWeb}},
	skuProject: {id: "53818b1b-4a27-454b-8896-0dba576410e6", part: "PROJECTPROFESSIONAL", title: "PLANNER AND PROJECT PLAN 3",
		plans: []int{planProject, planProjectClient, planSharePoint2, planOfficeWeb}},
	skuPowerBIPro: {id: "f8a1db68-be16-40ed-86d5-cb42ce701560", part: "POWER_BI_PRO", title: "POWER BI PRO",
		plans: []int{planPowerBIPro}},
	skuPowerBIFree: {id: "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", part: "POWER_BI_STANDARD", title: "MICROSOFT FABRIC (FREE)",
		plans: []int{planPowerBIFree}},
	skuFlow: {id: "f30db892-07e9-47e9-837c-80727f46fd3d", part: "FLOW_FREE", title: "MICROSOFT POWER AUTOMATE FREE",
		plans: []int{planFlowFree}},
	skuEMS: {id: "efccb6f7-5641-4e0e-bd10-b4976e1bf68e", part: "EMS", title: "ENTERPRISE MOBILITY + SECURITY E3",
		plans: []int{planEntra1, planIntune, planMFA, planRights}},
	skuTeamsTrial: {id: "710779e8-3d4a-4c88-adb9-386c958d1fdf", part: "TEAMS_EXPLORATORY", title: "MICROSOFT TEAMS EXPLORATORY",
		plans: []int{planExchange1, planSharePoint1, planOfficeWeb, planTeams, planYammer, planSway}},
	skuOldE3: {id: "6fd2c87f-b296-42f0-b197-1e91e994b900", part: "ENTERPRISEPACK", title: "OFFICE 365 E3",
		plans: []int{planExchange2, planSharePoint2, planOfficeWeb, planApps, planTeams, planSkype2, planYammer, planRights}},
	skuStorage: {id: "99049c9c-6011-4908-bf17-15f496e6519d", part: "SHAREPOINTSTORAGE", title: "OFFICE 365 EXTRA FILE STORAGE",
		plans: []int{planStorage}, company: true},
}

// planBit is the mask of one plan inside a SKU's plan list.
func planBit(sku, plan int) uint32 {
	for i, p := range products[sku].plans {
		if p == plan {
			return 1 << i
		}
	}
	return 0
}
