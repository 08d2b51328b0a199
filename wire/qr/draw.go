package qr

// draw puts the octets into the square, under the mask that reads best.
func draw(version int, octets []byte) *Code {
	size := 17 + 4*version
	c := &Code{Size: size, dark: make([]bool, size*size), fixed: make([]bool, size*size)}
	c.patterns(version)
	c.fill(octets)
	best, least := 0, -1
	for mask := range masks {
		c.mask(mask)
		c.format(mask)
		if p := c.penalty(); least < 0 || p < least {
			best, least = mask, p
		}
		c.mask(mask) // once more takes it away
	}
	c.mask(best)
	c.format(best)
	return c
}

// set sets a module of a pattern.
func (c *Code) set(x, y int, dark bool) {
	c.dark[y*c.Size+x], c.fixed[y*c.Size+x] = dark, true
}

// patterns draws what stands in every code of a version.
func (c *Code) patterns(version int) {
	for i := range c.Size {
		c.set(6, i, i%2 == 0)
		c.set(i, 6, i%2 == 0)
	}
	c.finder(3, 3)
	c.finder(c.Size-4, 3)
	c.finder(3, c.Size-4)
	at := alignments(version, c.Size)
	for i, x := range at {
		for j, y := range at {
			last := len(at) - 1
			if !(i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0) {
				c.alignment(x, y)
			}
		}
	}
	c.format(0) // holds the place
	c.version(version)
}

// finder draws one of the three large squares, with its light border.
func (c *Code) finder(x, y int) {
	for dy := -4; dy <= 4; dy++ {
		for dx := -4; dx <= 4; dx++ {
			far := max(abs(dx), abs(dy))
			if xx, yy := x+dx, y+dy; xx >= 0 && yy >= 0 && xx < c.Size && yy < c.Size {
				c.set(xx, yy, far != 2 && far != 4)
			}
		}
	}
}

func (c *Code) alignment(x, y int) {
	for dy := -2; dy <= 2; dy++ {
		for dx := -2; dx <= 2; dx++ {
			c.set(x+dx, y+dy, max(abs(dx), abs(dy)) != 1)
		}
	}
}

// alignments are the places of the small squares on both axes.
func alignments(version, size int) []int {
	if version == 1 {
		return nil
	}
	count := version/7 + 2
	step := (version*8 + count*3 + 5) / (count*4 - 4) * 2
	at := make([]int, count)
	at[0] = 6
	for i, pos := count-1, size-7; i > 0; i, pos = i-1, pos-step {
		at[i] = pos
	}
	return at
}

// format writes level and mask, twice.
func (c *Code) format(mask int) {
	data := mask // level M is 00
	rest := data
	for range 10 {
		rest = rest<<1 ^ (rest>>9)*0x537
	}
	b := (data<<10 | rest) ^ 0x5412
	bit := func(i int) bool { return b>>i&1 != 0 }
	for i := range 6 {
		c.set(8, i, bit(i))
	}
	c.set(8, 7, bit(6))
	c.set(8, 8, bit(7))
	c.set(7, 8, bit(8))
	for i := 9; i < 15; i++ {
		c.set(14-i, 8, bit(i))
	}
	for i := range 8 {
		c.set(c.Size-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		c.set(8, c.Size-15+i, bit(i))
	}
	c.set(8, c.Size-8, true)
}

// version writes the version, twice, where there is room for it.
func (c *Code) version(version int) {
	if version < 7 {
		return
	}
	rest := version
	for range 12 {
		rest = rest<<1 ^ (rest>>11)*0x1f25
	}
	b := version<<12 | rest
	for i := range 18 {
		x, y := c.Size-11+i%3, i/3
		c.set(x, y, b>>i&1 != 0)
		c.set(y, x, b>>i&1 != 0)
	}
}

// fill writes the octets, in pairs of columns from the right, up and down.
func (c *Code) fill(octets []byte) {
	i := 0
	for right := c.Size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		for v := range c.Size {
			for j := range 2 {
				x, y := right-j, v
				if (right+1)&2 == 0 {
					y = c.Size - 1 - v
				}
				if !c.fixed[y*c.Size+x] && i < 8*len(octets) {
					c.dark[y*c.Size+x] = octets[i/8]>>(7-i%8)&1 != 0
					i++
				}
			}
		}
	}
}

// masks tell which modules are turned (ISO/IEC 18004 table 10).
var masks = [...]func(x, y int) bool{
	func(x, y int) bool { return (x+y)%2 == 0 },
	func(_, y int) bool { return y%2 == 0 },
	func(x, _ int) bool { return x%3 == 0 },
	func(x, y int) bool { return (x+y)%3 == 0 },
	func(x, y int) bool { return (x/3+y/2)%2 == 0 },
	func(x, y int) bool { return x*y%2+x*y%3 == 0 },
	func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 },
	func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
}

func (c *Code) mask(which int) {
	for y := range c.Size {
		for x := range c.Size {
			if i := y*c.Size + x; !c.fixed[i] && masks[which](x, y) {
				c.dark[i] = !c.dark[i]
			}
		}
	}
}

// penalty says how badly a code reads: long runs, blocks, and more of one shade than of the other. What looks like a finder is left to the
// runs: any mask reads.
func (c *Code) penalty() int {
	sum, dark := 0, 0
	for y := range c.Size {
		row, column := 0, 0
		for x := range c.Size {
			row = run(&sum, row, x > 0 && c.Dark(x, y) == c.Dark(x-1, y))
			column = run(&sum, column, x > 0 && c.Dark(y, x) == c.Dark(y, x-1))
			if d := c.Dark(x, y); x > 0 && y > 0 && d == c.Dark(x-1, y) && d == c.Dark(x, y-1) && d == c.Dark(x-1, y-1) {
				sum += 3
			}
			if c.Dark(x, y) {
				dark++
			}
		}
	}
	return sum + abs(dark*20/(c.Size*c.Size)-10)*10
}

// run counts a run of one shade: 3 for the fifth module, one for each that follows.
func run(sum *int, length int, same bool) int {
	if !same {
		return 1
	}
	length++
	switch {
	case length == 5:
		*sum += 3
	case length > 5:
		*sum++
	}
	return length
}

func abs(n int) int { return max(n, -n) }
