package scimd

import "strings"

// URNs of schemas and messages.
const (
	userSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	ownSchema        = "urn:tegami:params:scim:schemas:extension:1.0:User"
	configSchema     = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	typeSchema       = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema     = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	listMessage      = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorMessage     = "urn:ietf:params:scim:api:messages:2.0:Error"
	patchMessage     = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// core tells whether a URN, in lower case, is that of a resource itself, whose attributes stand at the top.
func core(urn string) bool {
	return urn == strings.ToLower(userSchema) || urn == strings.ToLower(groupSchema)
}

// extension gives the name, in lower case, of an extension.
func extension(urn string) (string, bool) {
	return urn, urn == strings.ToLower(enterpriseSchema) || urn == strings.ToLower(ownSchema)
}

// multiple tells whether an attribute, in lower case, has a list of values.
func multiple(attr string) bool {
	switch attr {
	case "emails", "phonenumbers", "members", "groups", "schemas", "addresses", "ims", "photos", "roles", "entitlements", "x509certificates":
		return true
	}
	return false
}

// attribute describes one attribute (RFC 7643 §7).
func attribute(name, kind, text string, more object) object {
	o := object{
		"name": name, "type": kind, "multiValued": false, "description": text, "required": false, "caseExact": false,
		"mutability": "readWrite", "returned": "default", "uniqueness": "none",
	}
	merge(o, more)
	return o
}

// plainText is an attribute that is text.
func plainText(name, text string) object { return attribute(name, "string", text, nil) }

var (
	readOnly = object{"mutability": "readOnly"}
	list     = object{"multiValued": true}
)

// joined joins traits of an attribute.
func joined(parts ...object) object {
	o := object{}
	for _, p := range parts {
		merge(o, p)
	}
	return o
}

// schemas describes the resources (RFC 7643 §7). Only what we keep is in it.
func schemas() []object {
	value := plainText("value", "The value.")
	kind := plainText("type", "What the value is for.")
	user := []object{
		attribute("userName", "string", "The account's mail address.", object{"required": true, "uniqueness": "server"}),
		attribute("name", "complex", "The person's name.", object{"subAttributes": []object{
			attribute("formatted", "string", "How the person is called.", readOnly), plainText("familyName", "姓"), plainText("givenName", "名"),
		}}),
		plainText("displayName", "How the person is called in address books."),
		plainText("title", "Of the position."),
		plainText("preferredLanguage", "ja or en."),
		attribute("active", "boolean", "Whether the person may sign in.", nil),
		attribute("password", "string", "An initial password, to be changed at the first sign-in.", object{"mutability": "writeOnly", "returned": "never"}),
		attribute("emails", "complex", "The address and its aliases.", joined(list, readOnly, object{"subAttributes": []object{value, kind, attribute("primary", "boolean", "The account's own.", nil)}})),
		attribute("phoneNumbers", "complex", "Of type work and mobile.", joined(list, object{"subAttributes": []object{value, kind}})),
		attribute("groups", "complex", "Where the person is a member.", joined(list, readOnly, object{"subAttributes": []object{value, plainText("display", "The group's name.")}})),
	}
	group := []object{
		attribute("displayName", "string", "The group's name.", object{"required": true, "uniqueness": "server"}),
		attribute("members", "complex", "Who is in it.", joined(list, object{"subAttributes": []object{
			attribute("value", "string", "The user's id.", object{"mutability": "immutable"}),
			attribute("display", "string", "The user's name.", readOnly), attribute("type", "string", "User.", object{"mutability": "immutable", "canonicalValues": []string{"User"}}),
		}})),
	}
	enterprise := []object{plainText("department", "部署"), plainText("organization", "会社")}
	own := []object{
		plainText("lastKana", "ふりがな of the family name, by which lists are sorted."), plainText("firstKana", "ふりがな of the given name."),
		attribute("galVisible", "boolean", "Whether address books show the account.", nil),
	}
	made := func(id, name, text string, attrs []object) object {
		return object{"schemas": []string{schemaSchema}, "id": id, "name": name, "description": text, "attributes": attrs,
			"meta": object{"resourceType": "Schema", "location": Prefix + "/Schemas/" + id}}
	}
	return []object{
		made(userSchema, "User", "An account.", user), made(groupSchema, "Group", "A group of accounts.", group),
		made(enterpriseSchema, "EnterpriseUser", "Where the person works.", enterprise), made(ownSchema, "TegamiUser", "What Japanese address books need.", own),
	}
}

// resourceTypes lists what there is (RFC 7643 §6).
func resourceTypes() []object {
	made := func(name, schema string, extensions ...string) object {
		o := object{"schemas": []string{typeSchema}, "id": name, "name": name, "endpoint": "/" + name + "s", "schema": schema,
			"meta": object{"resourceType": "ResourceType", "location": Prefix + "/ResourceTypes/" + name}}
		var more []object
		for _, e := range extensions {
			more = append(more, object{"schema": e, "required": false})
		}
		if more != nil {
			o["schemaExtensions"] = more
		}
		return o
	}
	return []object{made("User", userSchema, enterpriseSchema, ownSchema), made("Group", groupSchema)}
}

// providerConfig says what of SCIM is here (RFC 7643 §5).
func providerConfig() object {
	yes, no := object{"supported": true}, object{"supported": false}
	return object{
		"schemas": []string{configSchema}, "patch": yes, "bulk": object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": object{"supported": true, "maxResults": MaxResults}, "changePassword": yes, "sort": no, "etag": yes,
		"authenticationSchemes": []object{{"type": "oauthbearertoken", "name": "API key", "description": "An API key of the company.", "primary": true}},
		"meta":                  object{"resourceType": "ServiceProviderConfig", "location": Prefix + "/ServiceProviderConfig"},
	}
}
