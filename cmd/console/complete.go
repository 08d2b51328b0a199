package console

import (
	"fmt"
	"slices"
)

// Has tells whether there is such a resource; "apply" counts as one.
func (c *Console) Has(resource string) bool {
	return resource == "apply" || len(Of(c.commands, resource)) > 0
}

// Calls tells whether words are a command that asks the API, and not only for help.
func (c *Console) Calls(words []string) bool {
	return len(words) > 1 && (words[0] == "apply" || c.Knows(words[0], words[1]))
}

// Complete lists what may follow behind "admin" and the words typed so far: resources, verbs, options, or the values of the option
// that was typed last. What ends a word ends in a blank.
func (c *Console) Complete(typed []string) (found []string) {
	if len(typed) > 0 {
		if values := c.values(typed); values != nil {
			return values
		}
	}
	in, err := Parse(c.commands, typed)
	if err != nil {
		return nil
	}
	switch len(in.Words) {
	case 0:
		for _, name := range append(Resources(c.commands), "apply") {
			found = append(found, name+" ")
		}
	case 1:
		for _, cmd := range Of(c.commands, in.Words[0]) {
			found = append(found, cmd.Verb+" ")
		}
	default:
		if cmd, ok := in.command(c.commands); ok {
			for _, v := range cmd.Flags {
				found = append(found, "--"+v.flag()+" ")
			}
		}
	}
	for name := range globals {
		found = append(found, "--"+name+" ")
	}
	slices.Sort(found)
	return found
}

// values lists what the option at the end takes; nil where it takes anything, or is complete already.
func (c *Console) values(typed []string) []string {
	in, err := Parse(c.commands, typed[:len(typed)-1])
	if err != nil {
		return nil
	}
	cmd, ok := in.command(c.commands)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(cmd.Flags, func(v Value) bool { return "--"+v.flag() == typed[len(typed)-1] })
	if i < 0 || len(cmd.Flags[i].Schema.Enum) == 0 {
		return nil
	}
	var list []string
	for _, v := range cmd.Flags[i].Schema.Enum {
		list = append(list, fmt.Sprint(v)+" ")
	}
	return list
}
