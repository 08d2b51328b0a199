package html

import "golang.org/x/net/html/atom"

// fate is what becomes of an element.
type fate uint8

const (
	unwrapped fate = iota // its content stays: what is not listed
	taken
	dropped  // with all that stands in it
	verbatim // it becomes pre
)

// elements are what becomes of an element.
var elements = map[atom.Atom]fate{
	atom.A: taken, atom.Abbr: taken, atom.Acronym: taken, atom.Address: taken, atom.Area: taken, atom.Article: taken, atom.Aside: taken,
	atom.B: taken, atom.Bdi: taken, atom.Bdo: taken, atom.Big: taken, atom.Blockquote: taken, atom.Br: taken,
	atom.Caption: taken, atom.Center: taken, atom.Cite: taken, atom.Code: taken, atom.Col: taken, atom.Colgroup: taken,
	atom.Dd: taken, atom.Del: taken, atom.Details: taken, atom.Dfn: taken, atom.Dir: taken, atom.Div: taken, atom.Dl: taken, atom.Dt: taken,
	atom.Em: taken, atom.Figcaption: taken, atom.Figure: taken, atom.Font: taken, atom.Footer: taken,
	atom.H1: taken, atom.H2: taken, atom.H3: taken, atom.H4: taken, atom.H5: taken, atom.H6: taken, atom.Header: taken, atom.Hr: taken,
	atom.I: taken, atom.Img: taken, atom.Ins: taken, atom.Kbd: taken, atom.Li: taken,
	atom.Main: taken, atom.Map: taken, atom.Mark: taken, atom.Menu: taken, atom.Nav: taken, atom.Nobr: taken, atom.Ol: taken,
	atom.P: taken, atom.Pre: taken, atom.Q: taken, atom.Rb: taken, atom.Rp: taken, atom.Rt: taken, atom.Rtc: taken, atom.Ruby: taken,
	atom.S: taken, atom.Samp: taken, atom.Section: taken, atom.Small: taken, atom.Span: taken, atom.Strike: taken, atom.Strong: taken,
	atom.Sub: taken, atom.Summary: taken, atom.Sup: taken,
	atom.Table: taken, atom.Tbody: taken, atom.Td: taken, atom.Tfoot: taken, atom.Th: taken, atom.Thead: taken, atom.Time: taken, atom.Tr: taken, atom.Tt: taken,
	atom.U: taken, atom.Ul: taken, atom.Var: taken, atom.Wbr: taken,

	atom.Applet: dropped, atom.Audio: dropped, atom.Base: dropped, atom.Canvas: dropped, atom.Command: dropped, atom.Datalist: dropped, atom.Dialog: dropped,
	atom.Embed: dropped, atom.Frame: dropped, atom.Frameset: dropped, atom.Head: dropped, atom.Iframe: dropped, atom.Input: dropped, atom.Keygen: dropped,
	atom.Link: dropped, atom.Math: dropped, atom.Meta: dropped, atom.Meter: dropped, atom.Noembed: dropped, atom.Noframes: dropped, atom.Object: dropped,
	atom.Optgroup: dropped, atom.Option: dropped, atom.Output: dropped, atom.Param: dropped, atom.Progress: dropped, atom.Script: dropped, atom.Select: dropped,
	atom.Source: dropped, atom.Style: dropped, atom.Svg: dropped, atom.Template: dropped, atom.Textarea: dropped, atom.Title: dropped, atom.Track: dropped, atom.Video: dropped,

	atom.Xmp: verbatim, atom.Listing: verbatim, atom.Plaintext: verbatim,
}

// empty are elements without content.
var empty = map[atom.Atom]bool{
	atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Frame: true, atom.Hr: true, atom.Img: true, atom.Image: true,
	atom.Input: true, atom.Keygen: true, atom.Link: true, atom.Meta: true, atom.Param: true, atom.Source: true, atom.Track: true, atom.Wbr: true,
}

// formatting are elements that a parser opens anew in every block after they were left open, but for links, of which one at most is open (HTML §13.2.4.3).
var formatting = map[atom.Atom]bool{
	atom.B: true, atom.Big: true, atom.Code: true, atom.Em: true, atom.Font: true, atom.I: true, atom.Nobr: true, atom.S: true, atom.Small: true,
	atom.Strike: true, atom.Strong: true, atom.Tt: true, atom.U: true,
}

// blocks are elements that stand on lines of their own.
var blocks = map[atom.Atom]bool{
	atom.Address: true, atom.Article: true, atom.Aside: true, atom.Blockquote: true, atom.Caption: true, atom.Center: true, atom.Dd: true, atom.Details: true,
	atom.Dir: true, atom.Div: true, atom.Dl: true, atom.Dt: true, atom.Figcaption: true, atom.Figure: true, atom.Footer: true, atom.Form: true, atom.H1: true, atom.H2: true,
	atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Header: true, atom.Hr: true, atom.Li: true, atom.Main: true, atom.Menu: true, atom.Nav: true,
	atom.Ol: true, atom.P: true, atom.Pre: true, atom.Section: true, atom.Summary: true, atom.Table: true, atom.Tbody: true, atom.Tfoot: true, atom.Thead: true,
	atom.Tr: true, atom.Ul: true, atom.Br: true, atom.Body: true,
}
