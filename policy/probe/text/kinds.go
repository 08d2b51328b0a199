package text

// kinds are the kinds of documents that have a reader here, as package apart calls them.
var kinds = map[string]bool{
	"docx": true, "docm": true, "dotx": true, "dotm": true, "xlsx": true, "xlsm": true, "xlsb": true, "xltx": true, "xltm": true, "pptx": true, "pptm": true, "ppsx": true,
	"ppsm": true, "potx": true, "potm": true, "odt": true, "ott": true, "odm": true, "ods": true, "ots": true, "odp": true, "otp": true, "doc": true, "xls": true, "ppt": true,
	"ole": true, "rtf": true, "pdf": true, "html": true, "text": true, "csv": true, "msg": true,
}

// Reads tells whether Extract may find text in a file of a kind. Those that are mail are left to who takes them apart.
func Reads(kind string) bool { return kinds[kind] }
