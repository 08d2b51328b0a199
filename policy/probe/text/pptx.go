package text

// besideSlide are the kinds of parts of a slide whose text stands behind the slide's own.
var besideSlide = []string{"notesslide", "comments", "diagramdata", "chart", "chartex"}

// maxSlides is how many slides are read.
const maxSlides = 2000

// presentation reads a presentation (ECMA-376 Part 1 §19): the slides in their order, each with its notes and comments, and then
// what was written on layouts and masters.
func (p *pack) presentation(main string) error {
	rels, order, err := p.relations(main)
	if err != nil {
		return err
	}
	slides, err := p.slideList(main)
	if err != nil {
		return err
	}
	seen := map[string]bool{main: true}
	for _, id := range append(slides, order...) {
		if rel := rels[id]; rel.kind == "slide" && !rel.external && !seen[rel.target] {
			if err := p.slide(rel.target, seen); err != nil {
				return err
			}
		}
	}
	for _, id := range order {
		if rel := rels[id]; (rel.kind == "commentauthors" || rel.kind == "authors") && !rel.external {
			if err := p.commentAuthors(rel.target); err != nil {
				return err
			}
		}
		if rel := rels[id]; rel.kind == "slidemaster" && !rel.external {
			if err := p.master(rel.target, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// commentAuthors names those who made comments.
func (p *pack) commentAuthors(name string) error {
	return p.each(name, func(s *scanner) error {
		if s.tok == tokStart && (string(s.name) == "cmAuthor" || string(s.name) == "author") {
			p.d.out.line()
			p.d.out.add(s.attr("name"))
			p.d.out.line()
		}
		return nil
	})
}

// slideList reads the ids of the slides in their order.
func (p *pack) slideList(main string) (list []string, err error) {
	err = p.each(main, func(s *scanner) error {
		if s.tok == tokStart && string(s.name) == "sldId" {
			if len(list) == maxSlides {
				return p.d.out.cutShort()
			}
			list = append(list, string(s.relation()))
		}
		return nil
	})
	return list, err
}

// slide reads a slide and what stands beside it.
func (p *pack) slide(name string, seen map[string]bool) error {
	seen[name] = true
	if err := p.story(name); err != nil {
		return err
	}
	return p.drawn(name, besideSlide, seen, 0)
}

// master reads what a master and its layouts show on every slide: not the prompts of their placeholders.
func (p *pack) master(name string, seen map[string]bool) error {
	if seen[name] {
		return nil
	}
	seen[name] = true
	if err := p.fixedStory(name); err != nil {
		return err
	}
	rels, order, err := p.relations(name)
	if err != nil {
		return err
	}
	for _, id := range order {
		if rel := rels[id]; rel.kind == "slidelayout" && !rel.external && !seen[rel.target] {
			seen[rel.target] = true
			if err := p.fixedStory(rel.target); err != nil {
				return err
			}
		}
	}
	return nil
}

// fixedStory is story without shapes that are placeholders.
func (p *pack) fixedStory(name string) error {
	st := story{out: p.d.out}
	start := -1 // of the shape's text
	err := p.each(name, func(s *scanner) error {
		switch {
		case s.tok == tokStart && string(s.name) == "sp":
			start = len(p.d.out.b)
		case s.tok == tokStart && string(s.name) == "ph":
			s.pass()
			start = -2
		case s.tok == tokEnd && string(s.name) == "sp":
			start = -1
		case start == -2:
			return nil
		}
		return st.take(s)
	})
	p.d.out.line()
	return err
}
